/** CRC-32 and SHA-256 of bytes on their way: what zip headers and `files.json` need, in one reading. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** What a run of bytes came to. */
export interface Digest {
  readonly bytes: number
  readonly crc32: number
  /** Lower-case hex. */
  readonly sha256: string
}

/** Takes bytes piece by piece; `end` may be called once. */
export interface Digester {
  update(chunk: Uint8Array): void
  end(): Digest
}

/** A digester that works where it is called. */
export function createDigester(): Digester {
  const hash = createHash('sha256')
  let bytes = 0
  let crc = 0
  return {
    update(chunk) {
      hash.update(chunk)
      crc = crc32(chunk, crc)
      bytes += chunk.length
    },
    end: () => ({ bytes, crc32: crc, sha256: hash.digest('hex') }),
  }
}
