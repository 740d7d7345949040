/**
 * The bytes of one frame, for both sides of the conversation between server and worker. Little-endian:
 *
 *     u32 kind · u32 header bytes · u64 body bytes · header (JSON, padded with blanks) · bodies (each padded with zeros)
 *
 * Header and bodies are padded to multiples of 8, so that each body of a frame that begins at a multiple of 8 does too and
 * can be used as a typed array without a copy. The lengths of the bodies stand in the header.
 */
import { MarinaError } from '../errors.js'

/** Bytes before the header. */
export const PREFIX_BYTES = 16
/** Headers carry names, headers and lengths, never data: more than this is damage. */
export const MAX_HEADER_BYTES = 16 * 2 ** 20
/** A frame is gathered in one buffer, which in Node 20 holds 4 GiB: that is for the prefix and the header, too. */
export const MAX_BODY_BYTES = 2 ** 32 - 2 * MAX_HEADER_BYTES

/** A frame as it was received: the header parsed, the bodies still in one piece. */
export interface Frame {
  readonly kind: number
  readonly header: unknown
  /** All bodies with their padding; begins at a multiple of 8 of its buffer. */
  readonly bodies: Uint8Array
}

/** Rounds up to a multiple of 8; not by a mask, which would end at 2 GiB. */
export const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8

const padding = Buffer.alloc(8)
const blanks = ['', ' ', '  ', '   ', '    ', '     ', '      ', '       ']

/** Encodes a frame as pieces to be written one after the other; the bodies are not copied. */
export function encodeFrame(kind: number, header: unknown, bodies: readonly Uint8Array[]): Uint8Array[] {
  const text = JSON.stringify(header)
  const textBytes = Buffer.byteLength(text)
  const headerBytes = padded(textBytes)
  const bodyBytes = bodies.reduce((sum, body) => sum + padded(body.byteLength), 0)
  if (headerBytes > MAX_HEADER_BYTES || bodyBytes > MAX_BODY_BYTES) throw oversized(headerBytes, bodyBytes)
  const head = Buffer.allocUnsafe(PREFIX_BYTES + headerBytes)
  head.writeUInt32LE(kind, 0)
  head.writeUInt32LE(headerBytes, 4)
  head.writeUInt32LE(bodyBytes % 2 ** 32, 8)
  head.writeUInt32LE(Math.floor(bodyBytes / 2 ** 32), 12)
  head.write(text + (blanks[headerBytes - textBytes] ?? ''), PREFIX_BYTES)
  if (bodies.length === 0) return [head]
  const pieces: Uint8Array[] = [head]
  for (const body of bodies) {
    if (body.byteLength > 0) pieces.push(body)
    const rest = padded(body.byteLength) - body.byteLength
    if (rest > 0) pieces.push(padding.subarray(0, rest))
  }
  return pieces
}

/** Sizes of a frame, from its first {@link PREFIX_BYTES} bytes. */
function sizesAt(bytes: Uint8Array, at: number): { kind: number; headerBytes: number; bodyBytes: number } {
  const headerBytes = u32(bytes, at + 4)
  const bodyBytes = u32(bytes, at + 8) + u32(bytes, at + 12) * 2 ** 32
  if (headerBytes > MAX_HEADER_BYTES || bodyBytes > MAX_BODY_BYTES) throw oversized(headerBytes, bodyBytes)
  if (headerBytes % 8 !== 0 || bodyBytes % 8 !== 0) {
    throw brokenFrame(`its lengths ${headerBytes} and ${bodyBytes} are no multiples of 8`)
  }
  return { kind: u32(bytes, at), headerBytes, bodyBytes }
}

/** Read byte by byte: a view for sixteen bytes costs more than they do. The caller has made sure that they are there. */
function u32(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)
  return low + (bytes[at + 3] ?? 0) * 2 ** 24
}

/** Parses the whole frame that begins at `at`; the caller has made sure that it is all there. */
function parseFrame(bytes: Uint8Array, at: number, sizes: ReturnType<typeof sizesAt>): Frame {
  const headerAt = at + PREFIX_BYTES
  const bodyAt = headerAt + sizes.headerBytes
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + headerAt, sizes.headerBytes).toString('utf8')
  // A plain array whatever came in: a Buffer's own `slice` and `toString` would do other things to a handler's data.
  const bodies = new Uint8Array(bytes.buffer, bytes.byteOffset + bodyAt, sizes.bodyBytes)
  // A frame behind the tail of another may begin anywhere: then its bodies move once.
  const aligned = bodies.byteOffset % 8 === 0 || bodies.length === 0 ? bodies : new Uint8Array(bodies)
  return { kind: sizes.kind, header: parseHeader(text), bodies: aligned }
}

function parseHeader(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw brokenFrame('its header is not JSON', error)
  }
}

/**
 * Makes a function that takes the bytes of a stream in any pieces and calls `onFrame` for each frame, in order. A frame
 * that arrives in several pieces is gathered in a buffer of its size; nothing is looked at twice.
 * @throws MarinaError `worker-failed` for bytes that are no frames; the stream is of no use after that
 */
export function createFrameDecoder(onFrame: (frame: Frame) => void): (bytes: Uint8Array) => void {
  const prefix = new Uint8Array(PREFIX_BYTES)
  let prefixBytes = 0
  let gathering: { frame: Uint8Array; have: number } | undefined

  /** Takes what belongs to the frame that has begun; returns how many bytes that was. */
  function gather(bytes: Uint8Array): number {
    let taken = 0
    if (!gathering) {
      taken = Math.min(PREFIX_BYTES - prefixBytes, bytes.length)
      prefix.set(bytes.subarray(0, taken), prefixBytes)
      prefixBytes += taken
      if (prefixBytes < PREFIX_BYTES) return taken
      const { headerBytes, bodyBytes } = sizesAt(prefix, 0)
      gathering = { frame: new Uint8Array(PREFIX_BYTES + headerBytes + bodyBytes), have: PREFIX_BYTES }
      gathering.frame.set(prefix)
    }
    const { frame, have } = gathering
    const more = Math.min(frame.length - have, bytes.length - taken)
    frame.set(bytes.subarray(taken, taken + more), have)
    gathering.have += more
    if (gathering.have === frame.length) {
      gathering = undefined
      prefixBytes = 0
      onFrame(parseFrame(frame, 0, sizesAt(frame, 0)))
    }
    return taken + more
  }

  return (bytes) => {
    let at = 0
    while (at < bytes.length) {
      if (gathering || prefixBytes > 0 || bytes.length - at < PREFIX_BYTES) {
        at += gather(bytes.subarray(at))
        continue
      }
      const sizes = sizesAt(bytes, at)
      const end = at + PREFIX_BYTES + sizes.headerBytes + sizes.bodyBytes
      if (end > bytes.length) {
        at += gather(bytes.subarray(at))
        continue
      }
      const frame = parseFrame(bytes, at, sizes)
      at = end
      onFrame(frame)
    }
  }
}

/** The stream holds bytes that are no frames. */
export const brokenFrame = (why: string, cause?: unknown) =>
  new MarinaError('worker-failed', `A frame between server and worker is damaged: ${why}.`, { cause })

const oversized = (headerBytes: number, bodyBytes: number) =>
  brokenFrame(
    `${headerBytes} bytes of header and ${bodyBytes} of bodies are over the limits ${MAX_HEADER_BYTES} and ${MAX_BODY_BYTES}`,
  )
