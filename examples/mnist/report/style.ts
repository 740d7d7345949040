/** The style of the report: one column of cards, light and dark, from a phone to a wide screen. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f4f2ec, #0f1418);
  --card: light-dark(#fffefb, #182026);
  --ink: light-dark(#16232b, #e6edf0);
  --soft: light-dark(#54626b, #9fb0b9);
  --line: light-dark(#dedacf, #2b363e);
  --sea: light-dark(#0b6770, #5cc8c9);
  --coral: light-dark(#b03f2a, #ff9b84);
  --sand: light-dark(#a97b22, #e6bf6c);
  --text: Inter, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif;
  --mono: ui-monospace, 'SF Mono', Menlo, 'Liberation Mono', monospace;
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 var(--text); -webkit-text-size-adjust: 100%; }
main { max-width: 70rem; margin: 0 auto; padding: clamp(1.25rem, 4vw, 3rem) clamp(1rem, 3vw, 2rem) 4rem; display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr); }
h1, h2, p, dl, dd { margin: 0; }
h1 { font-size: 1.125rem; line-height: 1.3; color: var(--soft); font-weight: 400; }
h1 strong { color: var(--ink); }
h2 { font-size: 1.25rem; line-height: 1.2; letter-spacing: -0.015em; margin-bottom: 0.5rem; }
p { max-width: 46rem; }
:focus-visible { outline: 3px solid var(--sea); outline-offset: 2px; border-radius: 6px; }
.soft, caption, dt { color: var(--soft); font-size: 0.875rem; }

header { display: flex; flex-wrap: wrap; align-items: end; justify-content: space-between; gap: 1.5rem 3rem; padding-bottom: 1rem; }
.figure { font-size: clamp(3.5rem, 12vw, 6.5rem); font-weight: 700; letter-spacing: -0.045em; line-height: 1; color: var(--sea); margin: 0.35rem 0 0.25rem -0.04em; font-variant-numeric: tabular-nums; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 0.75rem 1.5rem; flex: 1 1 18rem; min-width: 0; max-width: 34rem; }
.tiles div { border-top: 1px solid var(--line); padding-top: 0.4rem; }
.tiles dd { font-size: 1.125rem; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }

section { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: clamp(1rem, 2.2vw, 1.5rem); min-width: 0; }
.scroll { overflow-x: auto; }
.pair { display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr); }
@media (min-width: 60rem) { .pair { grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); } }

table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: 0.75rem; }
th, td { text-align: right; padding: 0.3rem 0.5rem; font-weight: 400; }
th[scope=row], thead th:first-child { text-align: left; }
th[scope=row] { font-weight: 650; }
thead th { color: var(--soft); font-size: 0.875rem; border-bottom: 1px solid var(--line); }
tbody tr + tr > * { border-top: 1px solid color-mix(in srgb, var(--line) 55%, transparent); }
.matrix { border-collapse: separate; border-spacing: 3px; table-layout: fixed; min-width: 24rem; }
.matrix th, .matrix td { text-align: center; min-width: 2rem; padding: 0.35rem 0.15rem; border: 0; }
.matrix tbody tr + tr > * { border: 0; }
.matrix td { border-radius: 6px; }
.matrix .none { color: var(--soft); }
.matrix .hit { background: color-mix(in srgb, var(--sea) 16%, transparent); font-weight: 600; }
.matrix .miss-1 { background: color-mix(in srgb, var(--coral) 12%, transparent); }
.matrix .miss-2 { background: color-mix(in srgb, var(--coral) 24%, transparent); }
.matrix .miss-3 { background: color-mix(in srgb, var(--coral) 38%, transparent); font-weight: 600; }

svg { width: 100%; height: auto; display: block; margin: 1rem 0; }
svg text { fill: var(--ink); font: 600 12.5px var(--text); font-variant-numeric: tabular-nums; }
svg .count, svg .tick { fill: var(--soft); font-weight: 400; }
svg .limit-text { fill: var(--soft); font-weight: 600; }
.right { fill: var(--sea); } .wrong { fill: var(--coral); } .foreign { fill: var(--sand); }
.axis { stroke: var(--line); } .limit { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 5 4; }
@media (max-width: 40rem) {
  svg text { font-size: 22px; }
  .matrix { border-spacing: 2px; font-size: 0.75rem; min-width: 19rem; }
  .matrix th, .matrix td { min-width: 0; padding: 0.35rem 0; }
}

.mistakes { display: grid; gap: 0.75rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18.5rem), 1fr)); padding: 0; margin: 1rem 0 0; list-style: none; }
.mistakes li { border: 1px solid var(--line); border-radius: 12px; padding: 0.75rem; display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 1rem; }
.mistakes img { display: block; image-rendering: pixelated; border-radius: 7px; background: #000; }
.verdict strong { font-size: 1.25rem; line-height: 1.2; }
.said { color: var(--coral); }
.near { display: flex; gap: 0.4rem; margin-top: 0.5rem; }
.near figure { margin: 0; text-align: center; font-size: 0.8rem; line-height: 1.3; color: var(--soft); }

.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); gap: 0.75rem 2rem; }
.facts dd { overflow-wrap: anywhere; font-family: var(--mono); font-size: 0.8125rem; }
`
