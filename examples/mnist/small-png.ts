/** A digit's own PNG, decoded in place: sharp's pipeline costs ten times as much, more than the network and the index together. */
import { decode } from 'fast-png'

/** A PNG of a digit is some 500 bytes; what is longer holds something else, and sharp reads it. */
const MAX_BYTES = 4096
const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

/**
 * The grey bytes of an opaque PNG of `side` × `side` pixels whose colours are all grey, eight bits each; undefined for
 * anything else, damaged files included: sharp takes those, or says what is wrong with them.
 */
export function decodeSmallPng(data: Uint8Array, side: number): Uint8Array | undefined {
  if (data.length > MAX_BYTES || !SIGNATURE.equals(data.subarray(0, 8))) return undefined
  const header = new DataView(data.buffer, data.byteOffset, data.length)
  if (data.length < 24 || header.getUint32(16) !== side || header.getUint32(20) !== side) return undefined
  try {
    const png = decode(data, { checkCrc: true })
    if (png.depth !== 8 || png.palette || png.transparency || png.iccEmbeddedProfile) return undefined
    return greyOf(png.data, png.channels, side * side)
  } catch {
    return undefined
  }
}

function greyOf(data: ArrayLike<number>, channels: number, pixels: number): Uint8Array | undefined {
  const grey = new Uint8Array(pixels)
  const colours = channels > 2 ? 3 : 1
  for (let at = 0; at < pixels; at++) {
    const first = at * channels
    const value = data[first] ?? 0
    for (let n = 1; n < channels; n++) if (data[first + n] !== (n < colours ? value : 255)) return undefined
    grey[at] = value
  }
  return grey
}
