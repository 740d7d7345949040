/** Bytes that can be read at any place: a file, a stored member of a zip, or memory. */

/** Reads are exact: fewer bytes than asked for only at the end. */
export interface RandomAccess {
  readonly bytes: number
  read(at: number, length: number): Promise<Buffer>
}

/** Bytes in memory. */
export function memoryAccess(data: Uint8Array): RandomAccess {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return { bytes: buffer.length, read: (at, length) => Promise.resolve(buffer.subarray(at, at + length)) }
}

/** Exactly `length` bytes. Throws a plain `Error` when the file ends before. */
export async function readExactly(
  access: RandomAccess,
  { at, length }: { at: number; length: number },
): Promise<Buffer> {
  if (at < 0 || at + length > access.bytes) throw new Error('it ends too early')
  return access.read(at, length)
}

/** How much is read ahead: many small fields lie side by side in the formats read here. */
const WINDOW_BYTES = 64 << 10

/** The same bytes, with one window of them kept, so that small reads side by side are one. */
export function windowed(access: RandomAccess): RandomAccess {
  let from = 0
  let window: Buffer = Buffer.alloc(0)
  return {
    bytes: access.bytes,
    async read(at, length) {
      if (length > WINDOW_BYTES) return access.read(at, length)
      if (at < from || at + length > from + window.length) {
        window = await access.read(at, Math.min(WINDOW_BYTES, Math.max(0, access.bytes - at)))
        from = at
      }
      return window.subarray(at - from, at - from + length)
    },
  }
}
