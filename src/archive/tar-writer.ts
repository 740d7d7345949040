/**
 * Writes the tarball form (`.tar.gz`): every member below one top folder (contract archive §1). Headers are
 * those of the tar package.
 */
import type { FileHandle } from 'node:fs/promises'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { Header, Pax } from 'tar'
import { invalidFile } from '../errors.js'
import { writeAt, type MemberWriter, type NewMember } from './member-writer.js'
import { gzipInParallel } from './parallel-deflate.js'

const BLOCK_BYTES = 512

/**
 * A writer into an empty file opened for writing; names become `topFolder/name`, owner and group 0. The
 * caller closes the file.
 */
export function tarWriter(file: FileHandle, { topFolder }: { topFolder: string }): MemberWriter {
  const tar = new PassThrough({ highWaterMark: 1 << 18 })
  const drained = drain(file, gzipInParallel(tar))
  // Awaited below; this only keeps a failure between two writes from counting as unhandled.
  drained.catch(() => undefined)
  const write = async (bytes: Uint8Array) => {
    // A file that cannot be written (disk full) ends `drained`, and no 'drain' would ever come.
    if (!tar.write(bytes)) await Promise.race([once(tar, 'drain'), drained])
  }
  return {
    async add(member, body) {
      await write(header({ ...member, name: `${topFolder}/${member.name}` }))
      for await (const chunk of body) await write(chunk)
      const { bytes } = body.digest()
      if (bytes !== member.bytes) throw invalidFile(member.name, 'changed its size while it was packed')
      await write(Buffer.alloc((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES))
    },
    async finish() {
      await write(Buffer.alloc(2 * BLOCK_BYTES))
      tar.end()
      await drained
    },
    discard: () => void tar.destroy(),
  }
}

async function drain(file: FileHandle, packed: AsyncIterable<Uint8Array>): Promise<void> {
  let position = 0
  for await (const bytes of packed) {
    await writeAt(file, { bytes, position })
    position += bytes.length
  }
}

/** One ustar header, with a pax header before it where a name is long or not ASCII or a size above 8 GiB. */
function header({ name, mode, bytes, modified }: NewMember): Buffer {
  const mtime = new Date(Math.floor(modified.getTime() / 1000) * 1000)
  const fields = { path: name, mode, size: bytes, mtime, uid: 0, gid: 0 }
  const block = Buffer.alloc(BLOCK_BYTES)
  const ustar = new Header({ ...fields, type: 'File' })
  const needsPax = ustar.encode(block, 0)
  return needsPax ? Buffer.concat([new Pax({ path: name, size: bytes, mtime }).encode(), block]) : block
}
