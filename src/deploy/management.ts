/** A client of a running server's HTTP APIs, as far as a deployment needs them. */
import { MarinaError, messageOf } from '../errors.js'

/** One registered version, as `GET /models/{model}/all` shows it. */
export interface RegisteredVersion {
  readonly version: string
  /** What it was registered from. */
  readonly url: string
}

/** The server at its two addresses, such as `http://127.0.0.1:8081`. */
export interface ServerAddresses {
  readonly management: string
  readonly inference: string
}

/** An answer of the server. */
export interface Answer {
  readonly status: number
  readonly text: string
}

/**
 * Sends a request.
 * @throws MarinaError `server-unreachable` when nothing listens there; the signal's reason when it was aborted
 */
export async function ask(
  url: string,
  options: {
    method?: string
    body?: Uint8Array
    contentType?: string
    signal?: AbortSignal | undefined
  } = {},
): Promise<Answer> {
  const { method = 'GET', body, contentType, signal } = options
  try {
    const response = await fetch(url, {
      method,
      ...(body === undefined ? {} : { body: Uint8Array.from(body) }),
      ...(contentType === undefined ? {} : { headers: { 'content-type': contentType } }),
      ...(signal === undefined ? {} : { signal }),
    })
    return { status: response.status, text: await response.text() }
  } catch (error) {
    signal?.throwIfAborted()
    throw unreachable(url, error)
  }
}

/** As {@link ask}, for an operation that must succeed. @throws MarinaError `deploy-failed` with the server's own text */
export async function demand(
  what: string,
  url: string,
  options: Parameters<typeof ask>[1] = {},
): Promise<Answer> {
  const answer = await ask(url, options)
  if (answer.status < 300) return answer
  const more = answer.status >= 500 ? '; its log says why' : ''
  throw deployFailed(`${what}: the server answered ${answer.status}: ${serverText(answer)}${more}`)
}

/** All versions of a model; empty where it is not registered. */
export async function registeredVersions(
  management: string,
  model: string,
  signal?: AbortSignal,
): Promise<readonly RegisteredVersion[]> {
  const answer = await ask(`${management}/models/${encodeURIComponent(model)}/all`, { signal })
  if (answer.status === 404) return []
  return versionsOf(answer, management)
}

/** The default version of a model; undefined where it is not registered. */
export async function defaultVersion(
  management: string,
  model: string,
  signal?: AbortSignal,
): Promise<RegisteredVersion | undefined> {
  const answer = await ask(`${management}/models/${encodeURIComponent(model)}`, { signal })
  return answer.status === 404 ? undefined : versionsOf(answer, management)[0]
}

function versionsOf(answer: Answer, management: string): RegisteredVersion[] {
  try {
    const rows = JSON.parse(answer.text) as { modelVersion: unknown; modelUrl: unknown }[]
    return rows.map(({ modelVersion, modelUrl }) => ({
      version: String(modelVersion),
      url: String(modelUrl),
    }))
  } catch {
    throw deployFailed(
      `${management} does not answer as a model server does: ${answer.status} ${answer.text.slice(0, 200)}`,
    )
  }
}

/** The message within an error body, or all of it. */
function serverText({ text }: Answer): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    return typeof message === 'string' ? message : text
  } catch {
    return text
  }
}

/** A deployment that cannot go on. */
export const deployFailed = (message: string, cause?: unknown) =>
  new MarinaError('deploy-failed', message, { cause })

const unreachable = (url: string, cause: unknown) => {
  const { origin } = new URL(url)
  const why = cause instanceof Error && cause.cause ? messageOf(cause.cause) : messageOf(cause)
  return new MarinaError(
    'server-unreachable',
    `No server answers at ${origin} (${why}). Start one: marina serve`,
    { cause },
  )
}
