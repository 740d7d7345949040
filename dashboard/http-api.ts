/** The page's API over `fetch`. */
import type { Api, Asked, Content, Gone, Listed, RequestBody } from './api.js'
import { messageOfError, parseModels } from './guards.js'
import { readServerTiming } from './server-timing.js'

/** The parts of the browser that it stands on. */
export interface HttpApiDeps {
  readonly fetch: typeof fetch
  readonly nowMs: () => number
}

/** An API whose URLs are taken relative to the page's own address. */
export function createHttpApi({ fetch, nowMs }: HttpApiDeps): Api {
  return {
    models: (signal) => listModels(fetch, signal),
    async ask(url, request, signal) {
      const startMs = nowMs()
      return answerOf(await attempt(() => fetch(url, postOf(request, signal))), () => nowMs() - startMs)
    },
    async example(url, signal) {
      const response = await attempt(() => fetch(url, { signal }))
      return 'kind' in response || !response.ok ? undefined : response.blob().catch(() => undefined)
    },
  }
}

const postOf = ({ body, contentType }: RequestBody, signal: AbortSignal): RequestInit => ({
  method: 'POST',
  body,
  signal,
  ...(contentType === undefined ? {} : { headers: { 'content-type': contentType } }),
})

async function listModels(fetch: HttpApiDeps['fetch'], signal: AbortSignal): Promise<Listed> {
  const response = await attempt(() => fetch('/page/models', { signal, cache: 'no-store' }))
  if ('kind' in response) return response
  if (!response.ok) return { kind: 'gone', message: `The server answered ${response.status}.` }
  try {
    return { kind: 'models', models: parseModels(await response.json()) }
  } catch (error) {
    return { kind: 'gone', message: `The server answers what this page cannot read: ${textOf(error)}.` }
  }
}

async function answerOf(response: Response | Gone, roundTripMs: () => number): Promise<Asked> {
  if ('kind' in response) return response
  try {
    const content = await contentOf(response)
    if (!response.ok)
      return { kind: 'refused', status: response.status, message: refusalOf(content, response) }
    const timing = readServerTiming(response.headers.get('server-timing'))
    return { kind: 'reply', content, timing, roundTripMs: roundTripMs() }
  } catch (error) {
    return { kind: 'gone', message: `The answer broke off: ${textOf(error)}` }
  }
}

function refusalOf(content: Content, { status }: Response): string {
  if (content.kind === 'text' && content.text !== '') return content.text
  const message = content.kind === 'json' ? messageOfError(content.value) : undefined
  return message ?? `The server answered ${status} without a reason.`
}

async function contentOf(response: Response): Promise<Content> {
  const contentType = response.headers.get('content-type') ?? ''
  if (contentType.startsWith('image/')) return { kind: 'picture', picture: await response.blob() }
  if (contentType.startsWith('application/octet-stream'))
    return { kind: 'bytes', contentType, sizeBytes: (await response.blob()).size }
  const text = await response.text()
  try {
    return { kind: 'json', value: JSON.parse(text) }
  } catch {
    return { kind: 'text', text }
  }
}

async function attempt(call: () => Promise<Response>): Promise<Response | Gone> {
  try {
    return await call()
  } catch (error) {
    return { kind: 'gone', message: textOf(error) }
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
