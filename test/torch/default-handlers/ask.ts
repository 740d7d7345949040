/** Asks a server the questions, and makes answers small enough to be stored. */
import type { Question } from './cases.js'

/** An answer as it is stored: a status, and the JSON of the body with long lists thinned out. */
export interface Answer {
  readonly model: string
  readonly title: string
  readonly status: number
  readonly body: unknown
}

/** Lists of more elements than this are thinned to about as many: pictures are answered pixel by pixel. */
const MOST = 16

/** One after another, so that no two are in one batch. */
export async function askAll(origin: string, questions: readonly Question[]): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const { model, title, api, body, contentType } of questions) {
    const url = `${origin}/${api}/${model}`
    const headers = contentType === undefined ? {} : { 'content-type': contentType }
    // A Blob of no type: for a text fetch would say that it is one.
    const sent =
      body instanceof FormData ? body : new Blob([typeof body === 'string' ? body : new Uint8Array(body)])
    const response = await fetch(url, { method: 'POST', body: sent, headers })
    const text = await response.text()
    answers.push({ model, title, status: response.status, body: thinned(JSON.parse(text)) })
  }
  return answers
}

function thinned(value: unknown): unknown {
  if (Array.isArray(value)) {
    const step = Math.max(1, Math.floor(value.length / MOST))
    return value.filter((_, at) => at % step === 0).map(thinned)
  }
  // What float32 tells apart.
  if (typeof value === 'number') return Number(value.toPrecision(7))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, thinned(part)]))
}
