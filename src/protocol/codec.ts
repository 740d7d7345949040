/**
 * Messages to frames and back, for both directions: what is data in a message becomes a body of the frame, and its
 * length takes its place in the header. No I/O. docs/protocol.md is this file in words.
 */
import { checkDown, checkUp, type HeaderFields } from './checks.js'
import { brokenFrame, createFrameDecoder, encodeFrame, padded, type Frame } from './frame.js'
import { frameKinds } from './messages.js'
import type {
  BodyRef,
  DownMessage,
  UpMessage,
  WireInput,
  WireJob,
  WireOutcome,
  WirePart,
  WireTensor,
} from './messages.js'

/** How a body stands in a header: its length here, or its place in a file. */
type BodyHeader =
  { readonly bytes: number } | { readonly file: string; readonly offset: number; readonly bytes: number }

/** Takes the bodies out of a message while it is encoded. */
class BodyWriter {
  readonly bodies: Uint8Array[] = []

  put(body: BodyRef): BodyHeader {
    if (body.kind === 'file') return { file: body.file, offset: body.offset, bytes: body.bytes }
    this.bodies.push(body.data)
    return { bytes: body.data.byteLength }
  }
}

/** Puts the bodies back while a message is decoded, in the order in which they were taken out. */
class BodyReader {
  readonly #bodies: Uint8Array
  #at = 0

  constructor(bodies: Uint8Array) {
    this.#bodies = bodies
  }

  take(header: BodyHeader): BodyRef {
    const { bytes } = header
    if (!isCount(bytes)) throw brokenFrame(`a body of ${String(bytes)} bytes cannot be`)
    if ('file' in header) {
      const { file, offset } = header
      if (typeof file !== 'string' || !isCount(offset)) throw brokenFrame('a body is at no place in a file')
      return { kind: 'file', file, offset, bytes }
    }
    if (this.#at + bytes > this.#bodies.length) throw brokenFrame(`a body of ${bytes} bytes is not in it`)
    const data = this.#bodies.subarray(this.#at, this.#at + bytes)
    this.#at += padded(bytes)
    return { kind: 'inline', data }
  }

  /** To be called when all bodies are taken. */
  end(): void {
    const left = this.#bodies.length - this.#at
    if (left !== 0) throw brokenFrame(`${left} bytes of its bodies belong to nothing`)
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

type JobHeader = Omit<WireJob, 'input'> & { readonly input: InputHeader }
type InputHeader =
  | { readonly kind: 'parts'; readonly parts: readonly (Omit<WirePart, 'body'> & { body: BodyHeader })[] }
  | {
      readonly kind: 'tensors'
      readonly tensors: readonly (Omit<WireTensor, 'body'> & { body: BodyHeader })[]
    }

function inputHeader(input: WireInput, writer: BodyWriter): InputHeader {
  if (input.kind === 'parts') {
    return { kind: 'parts', parts: input.parts.map((part) => ({ ...part, body: writer.put(part.body) })) }
  }
  return {
    kind: 'tensors',
    tensors: input.tensors.map((tensor) => ({ ...tensor, body: writer.put(tensor.body) })),
  }
}

function inputOf(header: InputHeader, reader: BodyReader): WireInput {
  if (header.kind === 'parts') {
    return { kind: 'parts', parts: header.parts.map((part) => ({ ...part, body: reader.take(part.body) })) }
  }
  return {
    kind: 'tensors',
    tensors: header.tensors.map((tensor) => ({ ...tensor, body: reader.take(tensor.body) })),
  }
}

type OutcomeHeader =
  | (Omit<Extract<WireOutcome, { kind: 'ok' }>, 'body'> & { readonly body: BodyHeader })
  | Extract<WireOutcome, { kind: 'failed' }>

type ResultHeader = Omit<Extract<UpMessage, { kind: 'result' }>, 'outcome'> & {
  readonly outcome: OutcomeHeader
}

const outcomeHeader = (outcome: WireOutcome, writer: BodyWriter): OutcomeHeader =>
  outcome.kind === 'ok' ? { ...outcome, body: writer.put(outcome.body) } : outcome

const outcomeOf = (header: OutcomeHeader, reader: BodyReader): WireOutcome =>
  header.kind === 'ok' ? { ...header, body: reader.take(header.body) } : header

/** Encodes a message to a worker as pieces to be written in order; bodies are not copied. */
export function encodeDown(message: DownMessage): Uint8Array[] {
  if (message.kind !== 'jobs') {
    const { kind, ...header } = message
    return encodeFrame(frameKinds.down[kind], header, [])
  }
  const writer = new BodyWriter()
  const jobs = message.jobs.map((job): JobHeader => ({ ...job, input: inputHeader(job.input, writer) }))
  return encodeFrame(frameKinds.down.jobs, { start: message.start, jobs }, writer.bodies)
}

/** Encodes a worker's message as pieces to be written in order; bodies are not copied. */
export function encodeUp(message: UpMessage): Uint8Array[] {
  const writer = new BodyWriter()
  if (message.kind === 'result') {
    const { key, timing } = message
    const outcome = outcomeHeader(message.outcome, writer)
    return encodeFrame(frameKinds.up.result, { key, timing, outcome }, writer.bodies)
  }
  const { kind, ...header } = message
  if (message.kind === 'chunk') {
    return encodeFrame(frameKinds.up.chunk, { ...header, body: writer.put(message.body) }, writer.bodies)
  }
  return encodeFrame(frameKinds.up[kind], header, [])
}

const downKinds = kindsByNumber(frameKinds.down)
const upKinds = kindsByNumber(frameKinds.up)

function kindsByNumber<Kind extends string>(
  numbers: Readonly<Record<Kind, number>>,
): ReadonlyMap<number, Kind> {
  return new Map((Object.keys(numbers) as Kind[]).map((kind) => [numbers[kind], kind]))
}

/**
 * Makes a decoder of what the server sends; bodies are views into the bytes as they came wherever those are aligned.
 * @throws MarinaError `worker-failed` for bytes that are no message
 */
export function createDownDecoder(onMessage: (message: DownMessage) => void): (bytes: Uint8Array) => void {
  return createFrameDecoder((frame) => onMessage(downOf(frame)))
}

/** The same for what a worker sends. */
export function createUpDecoder(onMessage: (message: UpMessage) => void): (bytes: Uint8Array) => void {
  return createFrameDecoder((frame) => onMessage(upOf(frame)))
}

// Casts: `checks.ts` has looked at what the receiver acts on; the rest was written by a peer of the same version, which
// `hello` has made sure of. The kind comes last, so that no field of a header can stand in for it.
function downOf({ kind: number, header, bodies }: Frame): DownMessage {
  const kind = kindOf(downKinds, number)
  checkDown(kind, header)
  const reader = new BodyReader(bodies)
  const message = kind === 'jobs' ? jobsOf(header, reader) : ({ ...header, kind } as DownMessage)
  reader.end()
  return message
}

function jobsOf(header: HeaderFields, reader: BodyReader): DownMessage {
  const { start, jobs } = header as unknown as { start: boolean; jobs: readonly JobHeader[] }
  return { kind: 'jobs', start, jobs: jobs.map((job) => ({ ...job, input: inputOf(job.input, reader) })) }
}

function upOf({ kind: number, header, bodies }: Frame): UpMessage {
  const kind = kindOf(upKinds, number)
  checkUp(kind, header)
  const reader = new BodyReader(bodies)
  const message = kind === 'result' ? resultOf(header, reader) : otherOf(kind, { header, reader })
  reader.end()
  return message
}

function resultOf(header: HeaderFields, reader: BodyReader): UpMessage {
  const { key, timing, outcome } = header as unknown as ResultHeader
  return { kind: 'result', key, timing, outcome: outcomeOf(outcome, reader) }
}

function otherOf(
  kind: UpMessage['kind'],
  { header, reader }: { header: HeaderFields; reader: BodyReader },
): UpMessage {
  const body = kind === 'chunk' ? { body: reader.take(header['body'] as BodyHeader) } : {}
  return { ...header, kind, ...body } as UpMessage
}

function kindOf<Kind>(kinds: ReadonlyMap<number, Kind>, number: number): Kind {
  const kind = kinds.get(number)
  if (kind === undefined) throw brokenFrame(`its kind ${number} is unknown`)
  return kind
}
