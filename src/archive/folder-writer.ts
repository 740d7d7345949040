/** Writes the folder form (`no-archive`). */
import { mkdir, open, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { MemberWriter } from './member-writer.js'

/** A writer into an existing empty folder. */
export function folderWriter(folder: string): MemberWriter {
  return {
    async add(member, body) {
      const path = join(folder, member.name)
      await mkdir(dirname(path), { recursive: true })
      const file = await open(path, 'wx')
      try {
        await writeFile(file, body)
        await file.chmod(member.mode)
        await file.utimes(member.modified, member.modified)
        await file.sync()
      } finally {
        await file.close()
      }
    },
    finish: () => Promise.resolve(),
    discard: () => undefined,
  }
}
