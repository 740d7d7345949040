/** One attempt after the other at a model: the newest counts, and an older one's answer is never shown after it. */
import type { Api, Asked, Gone, Refused, Reply } from './api.js'
import { readExplanation, type Explanation } from './explanation.js'
import { requestOf, type Parts } from './parts.js'

/** An answer and what belongs to it. */
export interface Shown {
  readonly parts: Parts
  readonly reply: Reply
  /** Undefined until it has come; a model that does not explain never gets one. */
  readonly explanation: Explanation | undefined
}

/** Where a trial stands. `ticket` counts the attempts. */
export type TrialState =
  | { readonly kind: 'empty' }
  /** `before` stays to be seen, dimmed, until the answer is there. */
  | {
      readonly kind: 'asking'
      readonly ticket: number
      readonly parts: Parts
      readonly before: Shown | undefined
    }
  | { readonly kind: 'answered'; readonly ticket: number; readonly shown: Shown }
  | {
      readonly kind: 'failed'
      readonly ticket: number
      readonly parts: Parts
      readonly failure: Refused | Gone
    }

/** What happens to a trial. */
export type TrialEvent =
  | { readonly kind: 'asked'; readonly ticket: number; readonly parts: Parts }
  | { readonly kind: 'settled'; readonly ticket: number; readonly asked: Asked }
  | { readonly kind: 'explained'; readonly ticket: number; readonly explanation: Explanation }
  | { readonly kind: 'cleared' }

/** The next state. What belongs to an older attempt changes nothing. */
export function moveTrial(state: TrialState, event: TrialEvent): TrialState {
  switch (event.kind) {
    case 'asked':
      return { kind: 'asking', ticket: event.ticket, parts: event.parts, before: shownOf(state) }
    case 'settled':
      if (state.kind !== 'asking' || state.ticket !== event.ticket) return state
      return settle(state, event.asked)
    case 'explained':
      if (state.kind !== 'answered' || state.ticket !== event.ticket) return state
      return { ...state, shown: { ...state.shown, explanation: event.explanation } }
    case 'cleared':
      return { kind: 'empty' }
    default:
      event satisfies never
      return state
  }
}

function settle({ ticket, parts }: Extract<TrialState, { kind: 'asking' }>, asked: Asked): TrialState {
  if (asked.kind !== 'reply') return { kind: 'failed', ticket, parts, failure: asked }
  return { kind: 'answered', ticket, shown: { parts, reply: asked, explanation: undefined } }
}

/** What is to be seen in a state: an answer, or the one before it. */
export function shownOf(state: TrialState): Shown | undefined {
  if (state.kind === 'answered') return state.shown
  return state.kind === 'asking' ? state.before : undefined
}

/** Where to ask. */
export interface TrialUrls {
  readonly predictUrl: string
  readonly explainUrl?: string
}

/** Asks a model, and tells each new state. */
export class Trial {
  #state: TrialState = { kind: 'empty' }
  #ticket = 0
  #running = new AbortController()
  readonly #api: Api
  readonly #urls: TrialUrls
  readonly #changed: (state: TrialState) => void

  constructor(api: Api, urls: TrialUrls, changed: (state: TrialState) => void) {
    this.#api = api
    this.#urls = urls
    this.#changed = changed
  }

  /** Asks for an answer, and after it for its explanation: the answer's time is not to hold the explanation's. */
  async ask(parts: Parts): Promise<void> {
    const { ticket, signal } = this.#begin()
    this.#move({ kind: 'asked', ticket, parts })
    const asked = await this.#api.ask(this.#urls.predictUrl, requestOf(parts), signal)
    if (signal.aborted) return
    this.#move({ kind: 'settled', ticket, asked })
    const { explainUrl } = this.#urls
    if (asked.kind !== 'reply' || explainUrl === undefined) return
    const explained = await this.#api.ask(explainUrl, requestOf(parts), signal)
    const value =
      explained.kind === 'reply' && explained.content.kind === 'json' ? explained.content.value : undefined
    this.#move({ kind: 'explained', ticket, explanation: readExplanation(value) })
  }

  /** Forgets the attempt that runs, and what is shown. */
  clear(): void {
    this.#begin()
    this.#move({ kind: 'cleared' })
  }

  #begin(): { ticket: number; signal: AbortSignal } {
    this.#running.abort()
    this.#running = new AbortController()
    return { ticket: ++this.#ticket, signal: this.#running.signal }
  }

  #move(event: TrialEvent): void {
    const next = moveTrial(this.#state, event)
    if (next === this.#state) return
    this.#state = next
    this.#changed(next)
  }
}
