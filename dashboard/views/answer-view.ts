/** The answer to an attempt: large, with its distance, its neighbours, its time, and the line that asks the same. */
import type { OutputSchema } from '../../src/http/page-types.js'
import type { Content } from '../api.js'
import { el, fill, type Child } from '../dom.js'
import type { Explanation, NeighbourReading } from '../explanation.js'
import { curlOf, type Parts } from '../parts.js'
import {
  readAnswer,
  sentenceOf,
  showDistance,
  showValue,
  type FieldReading,
  type Reading,
} from '../reading.js'
import { shownOf, type Shown, type TrialState } from '../trial.js'
import { copyLine } from './copy-line.js'
import { timingView } from './timing-view.js'

/** What the panel needs to know of the version. */
export interface AnswerContext {
  readonly outputs: readonly OutputSchema[]
  /** Absolute. */
  readonly predictUrl: string
  readonly explains: boolean
  /** What to do first, as long as nothing was asked. */
  readonly invitation: string
}

/** The panel, and how it is told a new state. */
export interface AnswerView {
  readonly element: HTMLElement
  show(state: TrialState): void
}

/** The panel with a region that screen readers speak: one sentence for each answer. */
export function createAnswerView(context: AnswerContext): AnswerView {
  const spoken = el('p', { class: 'unseen', 'aria-live': 'polite' })
  const body = el('div', { class: 'answer-body' })
  const element = el('section', { class: 'panel answer', 'aria-label': 'Answer' }, spoken, body)
  const show = (state: TrialState) => {
    element.classList.toggle('busy', state.kind === 'asking')
    element.setAttribute('aria-busy', String(state.kind === 'asking'))
    const said = sentence(state, context)
    if (said !== undefined && said !== spoken.textContent) spoken.textContent = said
    if (state.kind !== 'asking' || !shownOf(state)) fill(body, ...bodyOf(state, context))
  }
  show({ kind: 'empty' })
  return { element, show }
}

/** Undefined while the answer is awaited: what was said stays said. */
function sentence(state: TrialState, { outputs }: AnswerContext): string | undefined {
  switch (state.kind) {
    case 'empty':
      return ''
    case 'asking':
      return undefined
    case 'failed':
      return `No answer: ${state.failure.message}`
    case 'answered': {
      const { content } = state.shown.reply
      const reading = content.kind === 'json' ? readAnswer(content.value, outputs) : undefined
      return reading ? sentenceOf(reading) : 'The answer is there.'
    }
    default:
      state satisfies never
      return undefined
  }
}

function bodyOf(state: TrialState, context: AnswerContext): readonly Child[] {
  switch (state.kind) {
    case 'empty':
      return [el('p', { class: 'invitation' }, context.invitation)]
    case 'asking':
      return [el('p', { class: 'invitation' }, 'Asking …')]
    case 'failed':
      return [
        failureView(state.failure),
        copyLine('The same from a terminal', curlOf(context.predictUrl, state.parts)),
      ]
    case 'answered':
      return answered(state.shown, context)
    default:
      state satisfies never
      return []
  }
}

function failureView(failure: Extract<TrialState, { kind: 'failed' }>['failure']): HTMLElement {
  const title = failure.kind === 'gone' ? 'The server does not answer' : `Refused (${failure.status})`
  const cure =
    failure.kind === 'gone' ? 'Is it still running? Start it again, and draw or choose once more.' : undefined
  return el(
    'div',
    { class: 'notice bad' },
    el('strong', {}, title),
    el('p', {}, failure.message),
    cure && el('p', {}, cure),
  )
}

function answered({ reply, parts, explanation }: Shown, context: AnswerContext): readonly Child[] {
  const { content, timing, roundTripMs } = reply
  const reading = content.kind === 'json' ? readAnswer(content.value, context.outputs) : undefined
  return [
    reading ? headline(reading, explanation) : contentView(content),
    context.explains ? neighboursView(explanation) : undefined,
    timing && timingView(timing, roundTripMs),
    sameLine(context.predictUrl, parts),
  ]
}

/** The line, and what to save first for it. */
function sameLine(url: string, parts: Parts): HTMLElement {
  const line = copyLine('The same from a terminal', curlOf(url, parts))
  for (const { data, fileName, url: stored } of parts) {
    if (typeof data === 'string' || stored !== undefined || fileName === undefined || data instanceof File)
      continue
    const link = el('a', { href: URL.createObjectURL(data), download: fileName }, `Save ${fileName}`)
    line.append(el('p', { class: 'soft' }, link, ' first: the line reads it from the current folder.'))
  }
  return line
}

function headline(reading: Reading, explanation: Explanation | undefined): HTMLElement {
  const { answer, known, knownDescription, others } = reading
  const isUnknown = known === false
  const large = isUnknown ? 'unknown' : showValue(answer?.value)
  const below = isUnknown
    ? [knownDescription?.replace(/^false: /, ''), answer && `nearest: ${showValue(answer.value)}`]
    : [answer?.description]
  return el(
    'div',
    { class: isUnknown ? 'headline unknown' : 'headline' },
    el('p', { class: large.length > 3 ? 'large word' : 'large' }, large),
    el(
      'div',
      { class: 'headline-side' },
      ...below.map((text) => text && el('p', { class: 'soft' }, text)),
      distanceView(reading, explanation?.threshold),
      ...others.map(fieldLine),
    ),
  )
}

function distanceView({ distance }: Reading, threshold: number | undefined): HTMLElement | undefined {
  if (!distance) return undefined
  const limit = threshold === undefined ? '' : ` of ${showDistance(threshold)} allowed`
  const text = el(
    'p',
    { title: distance.description },
    el('span', { class: 'soft' }, 'distance '),
    el('strong', {}, showDistance(distance.value)),
    limit,
  )
  const scale = threshold === undefined ? undefined : meter(distance.value, threshold)
  return el('div', { class: 'distance' }, text, scale)
}

/** How far along a scale that ends at twice the limit. */
function meter(value: number, threshold: number): HTMLElement {
  const filled = el('span', { class: value > threshold ? 'filled beyond' : 'filled' })
  filled.style.width = `${Math.min(100, (50 * value) / threshold)}%`
  return el('div', { class: 'meter', 'aria-hidden': 'true' }, filled)
}

const fieldLine = ({ name, value, description }: FieldReading): HTMLElement =>
  el('p', { title: description }, el('span', { class: 'soft' }, `${name} `), showValue(value))

function neighboursView(explanation: Explanation | undefined): HTMLElement {
  const list = el('ol', { class: 'neighbours' }, ...(explanation?.neighbours ?? []).map(neighbourCard))
  const empty = explanation && explanation.neighbours.length === 0
  return el(
    'section',
    {},
    el('h3', {}, 'Nearest stored examples'),
    empty ? el('p', { class: 'soft' }, 'The explanation names none.') : list,
  )
}

function neighbourCard({ label, distance, id, image }: NeighbourReading): HTMLElement {
  const alt = `stored example ${id ?? ''} labelled ${label}`
  return el(
    'li',
    {},
    image === undefined ? undefined : el('img', { src: image, alt, width: 84, height: 84 }),
    el('p', {}, el('strong', {}, label), ' ', el('span', { class: 'soft' }, showDistance(distance))),
  )
}

function contentView(content: Content): HTMLElement {
  switch (content.kind) {
    case 'json':
      return pre(JSON.stringify(content.value, null, 2))
    case 'text':
      return pre(content.text)
    case 'picture':
      return el('img', {
        class: 'picture',
        src: URL.createObjectURL(content.picture),
        alt: 'The answer, a picture',
      })
    case 'bytes':
      return el('p', {}, `${content.sizeBytes} bytes of ${content.contentType}`)
    default:
      content satisfies never
      return el('p')
  }
}

const pre = (text: string): HTMLElement =>
  el('pre', { class: 'raw', tabindex: 0, 'aria-label': 'Answer' }, text)
