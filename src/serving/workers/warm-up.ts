/**
 * Warms a worker up before it gets jobs: the example requests of the archive run through it, one by one, and their
 * answers are compared with what the archive promises. A worker that answers wrongly must not serve.
 */
import { Buffer } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MARINA_FOLDER, type Examples, type ExampleRequest } from '../../archive/manifest.js'
import { invalidArchive, messageOf } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { DownMessage, JobKey, UpMessage, WireJob, WireOutcome } from '../../protocol/messages.js'
import type { KeySource } from '../create-job.js'
import { bytesOf } from '../outcome.js'

/** An example with the bytes of its body. */
export interface LoadedExample {
  readonly request: ExampleRequest
  readonly data: Uint8Array
  /** A worker that breaks the promise must not serve. */
  readonly binds: boolean
}

/** Reads the examples' bodies from an unpacked archive. Throws invalid-archive naming the one that is missing. */
export async function readExamples(
  modelDir: string,
  { examples, bind }: { examples: Examples | undefined; bind: boolean },
): Promise<LoadedExample[]> {
  const requests = examples?.requests ?? []
  return Promise.all(
    requests.map(async (request) => {
      const file = join(modelDir, MARINA_FOLDER, 'examples', request.file)
      const data = await readFile(file).catch((error: unknown) => {
        throw invalidArchive(`The file of example ${request.name} cannot be read: ${messageOf(error)}`, error)
      })
      return { request, data, binds: bind && request.expect !== undefined }
    }),
  )
}

/** What a warm-up needs of its worker. */
export interface WarmUpOptions {
  readonly examples: readonly LoadedExample[]
  readonly nextKey: KeySource
  readonly send: (message: Extract<DownMessage, { kind: 'jobs' }>) => void
  readonly log: Logger
  /** Called once: with undefined when all promises held, with the reason when one did not. */
  readonly onDone: (why: string | undefined) => void
}

/** Takes the worker's answers while it is being warmed up. */
export type WarmUp = (message: Extract<UpMessage, { kind: 'result' | 'chunk' }>) => void

/** Starts to warm up a worker that is loaded and idle. Without examples it is done at once. */
export function startWarmUp({ examples, nextKey, send, log, onDone }: WarmUpOptions): WarmUp {
  let at = 0
  let pieces: (Uint8Array | Promise<Uint8Array>)[] = []
  const sendNext = () => {
    const example = examples[at]
    pieces = []
    if (example) send({ kind: 'jobs', start: true, jobs: [toJob(example, nextKey())] })
    else onDone(undefined)
  }
  const settle = (example: LoadedExample, why: string | undefined) => {
    const message = `Example ${example.request.name} was not answered as the archive promises: ${why ?? ''}`
    if (why !== undefined) log.error(message)
    at++
    if (why !== undefined && example.binds) onDone(message)
    else sendNext()
  }
  sendNext()
  return (message) => {
    const example = examples[at]
    if (!example) return
    if (message.kind === 'chunk') pieces.push(bytesOf(message.body))
    else void judge(example.request, message.outcome, pieces).then((why) => settle(example, why))
  }
}

function toJob({ request, data }: LoadedExample, key: JobKey): WireJob {
  const { name, contentType } = request
  const body = { kind: 'inline', data } as const
  return {
    key,
    id: `warm-up-${name}`,
    operation: 'predict',
    headers: { 'content-type': contentType },
    input: { kind: 'parts', parts: [{ name: 'body', contentType, body }] },
  }
}

/** Why an answer is not what the archive promises; undefined when it is. */
async function judge(
  { expect: promised = {}, tolerance = 0 }: ExampleRequest,
  outcome: WireOutcome,
  pieces: readonly (Uint8Array | Promise<Uint8Array>)[],
): Promise<string | undefined> {
  if (outcome.kind === 'failed') return `${outcome.message}${outcome.where ? ` (${outcome.where})` : ''}`
  if (Object.keys(promised).length === 0) return undefined
  try {
    const body = Buffer.concat(await Promise.all([...pieces, bytesOf(outcome.body)]))
    return firstDifference(parseObject(body.toString()), promised, tolerance)
  } catch (error) {
    return messageOf(error)
  }
}

function parseObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new Error(`the answer is not an object but ${text}`)
  return { ...value }
}

function firstDifference(
  answer: Record<string, unknown>,
  promised: NonNullable<ExampleRequest['expect']>,
  tolerance: number,
): string | undefined {
  for (const [name, wanted] of Object.entries(promised)) {
    const got = answer[name]
    const holds =
      typeof wanted === 'number' && typeof got === 'number'
        ? Math.abs(got - wanted) <= tolerance
        : got === wanted
    if (!holds) return `${name} is ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`
  }
  return undefined
}
