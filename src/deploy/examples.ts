/** The smoke test of a version: the examples that its archive carries, asked over HTTP, against the answers it promises. */
import { MARINA_FOLDER, type Archive, type ExampleRequest } from '../archive/index.js'
import { ask, deployFailed } from './management.js'

/**
 * Sends each example to `url`, one after the other.
 * @throws MarinaError `deploy-failed` at the first whose answer is not as promised, with both
 */
export async function askExamples(
  archive: Archive,
  options: { url: string; signal?: AbortSignal | undefined },
): Promise<number> {
  const requests = archive.examples?.requests ?? []
  for (const request of requests) {
    const body = await archive.read(`${MARINA_FOLDER}/examples/${request.file}`)
    const { contentType } = request
    const answer = await ask(options.url, { method: 'POST', body, contentType, signal: options.signal })
    const wrong =
      answer.status === 200 ? difference(request, answer.text) : `status ${answer.status}: ${answer.text}`
    if (wrong !== undefined)
      throw deployFailed(`The example '${request.name}' was answered wrongly: ${wrong}`)
  }
  return requests.length
}

/** In words: where an answer is not as an example promises; undefined where it is. */
export function difference({ expect, tolerance = 0 }: ExampleRequest, text: string): string | undefined {
  if (!expect) return undefined
  const answer = parseObject(text)
  if (!answer) return `it must be a JSON object, not ${text.slice(0, 200)}`
  for (const [name, wanted] of Object.entries(expect)) {
    const got = answer[name]
    const isSame =
      typeof wanted === 'number' && typeof got === 'number'
        ? Math.abs(wanted - got) <= tolerance
        : wanted === got
    if (!isSame) return `${name} must be ${JSON.stringify(wanted)}, but is ${JSON.stringify(got)}`
  }
  return undefined
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
