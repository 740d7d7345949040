/** Where the time went: one bar and its legend. */
import { el } from '../dom.js'
import type { Phase, Timing } from '../server-timing.js'

/** Words for the names in the header; a name without words is shown as it is. */
const WORDS: Readonly<Record<string, string>> = {
  decode: 'reading',
  queue: 'queue',
  preprocess: 'preprocess',
  inference: 'inference',
  postprocess: 'postprocess',
  transfer: 'transfer',
}
/** The style has this many colours. */
const COLOURS = 6

const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`

/** The bar; the legend says the same in words and numbers. */
export function timingView({ phases, totalMs }: Timing, roundTripMs: number): HTMLElement {
  const bar = el('div', { class: 'bar', 'aria-hidden': 'true' }, ...phases.map(segment))
  const legend = el('dl', { class: 'legend' }, ...phases.map(entry))
  const total = el('p', { class: 'soft' }, `${ms(totalMs)} in the server, ${ms(roundTripMs)} seen from here`)
  return el('section', { class: 'timing' }, el('h3', {}, 'Where the time went'), bar, legend, total)
}

const colour = (at: number): string => `phase-${at % COLOURS}`

function segment({ ms }: Phase, at: number): HTMLElement {
  const element = el('span', { class: colour(at) })
  // Through the object model: the page's policy allows no style in markup.
  element.style.flexGrow = String(Math.max(ms, 0))
  return element
}

const entry = ({ name, ms: spent }: Phase, at: number): HTMLElement =>
  el(
    'div',
    {},
    el('dt', {}, el('span', { class: `dot ${colour(at)}`, 'aria-hidden': 'true' }), WORDS[name] ?? name),
    el('dd', {}, ms(spent)),
  )
