/** The distances as a chart: three rows of bars on one axis, and the limit beyond which an answer is unknown. */
import type { Analysis } from './analysis.js'
import { html, type Html } from './html.js'

const WIDTH = 720
const ROW = 92
const LEFT = 8
const TITLE = 26
/** Room above the first row for the words at the limit. */
const HEAD = 22

/** The histograms as SVG. Heights are roots of counts, since a few wrong answers must be seen beside thousands of right ones. */
export function distanceChart({ histograms, threshold }: Analysis): Html {
  const { edges } = histograms
  const rows = [
    { name: 'right answers', kind: 'right', counts: histograms.right },
    { name: 'wrong answers', kind: 'wrong', counts: histograms.wrong },
    { name: 'pictures that are no digit', kind: 'foreign', counts: histograms.foreign },
  ]
  const most = edges.at(-1) ?? 1
  const x = (distance: number) => LEFT + (Math.min(distance, most) / most) * (WIDTH - 2 * LEFT)
  const bottom = HEAD + rows.length * ROW
  const height = bottom + 26
  const bars = rows.map(({ name, kind, counts }, row) => {
    const base = HEAD + (row + 1) * ROW
    const peak = Math.sqrt(Math.max(1, ...counts))
    const total = counts.reduce((sum, count) => sum + count, 0)
    const shapes = counts.map((count, bin) => {
      const tall = (Math.sqrt(count) / peak) * (ROW - TITLE - 8)
      const [from, to] = [x(edges[bin] ?? 0), x(edges[bin + 1] ?? 0)]
      return html`<rect
        class="${kind}"
        x="${(from + 1).toFixed(1)}"
        y="${(base - tall).toFixed(1)}"
        width="${Math.max(1, to - from - 2).toFixed(1)}"
        height="${tall.toFixed(1)}"
      />`
    })
    return html`<text x="${LEFT}" y="${base - ROW + TITLE - 4}"
        >${name}<tspan class="count" dx="8">${total.toLocaleString('en')}</tspan></text
      >${shapes}<line class="axis" x1="${LEFT}" x2="${WIDTH - LEFT}" y1="${base}" y2="${base}" />`
  })
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const anchor = share === 0 ? 'start' : share === 1 ? 'end' : 'middle'
    return html`<text class="tick" x="${x(share * most).toFixed(1)}" y="${height - 8}" text-anchor="${anchor}"
      >${(share * most).toFixed(2)}</text
    >`
  })
  const limit = x(threshold.distance).toFixed(1)
  const end = threshold.distance > most / 2 ? 'end' : 'start'
  return html`<svg
    viewBox="0 0 ${WIDTH} ${height}"
    role="img"
    aria-label="Histograms of the distance to the nearest image, for right answers, wrong answers and pictures that are no digit; the limit is at ${threshold.distance.toFixed(3)}"
  >
    ${bars}${ticks}
    <line class="limit" x1="${limit}" x2="${limit}" y1="${HEAD - 4}" y2="${bottom}" />
    <text class="limit-text" x="${limit}" y="12" text-anchor="${end}">
      unknown beyond ${threshold.distance.toFixed(3)}
    </text>
  </svg>`
}
