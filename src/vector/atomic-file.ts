/** Writing a file so that a reader finds the old one or the new one, whole, whatever happens in between. */
import { randomUUID } from 'node:crypto'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A file that is written and safe on disk, but not yet in its place. Its owner commits or discards it. */
export interface PreparedFile {
  commit(): Promise<void>
  discard(): Promise<void>
}

/** Lets `write` fill a new file beside `file`, and syncs it. Nothing stays behind when `write` fails. */
export async function prepareFile(
  file: string,
  write: (handle: FileHandle) => Promise<void>,
): Promise<PreparedFile> {
  const beside = `${file}.${randomUUID().slice(0, 8)}.tmp`
  const discard = () => rm(beside, { force: true })
  const handle = await open(beside, 'wx')
  try {
    await write(handle)
    await handle.sync()
  } catch (error) {
    await handle.close()
    await discard()
    throw error
  }
  await handle.close()
  return { discard, commit: () => moveInto(beside, file) }
}

async function moveInto(beside: string, file: string): Promise<void> {
  await rename(beside, file)
  // Without this the rename itself may be lost with the power, though both contents are safe.
  const folder = await open(dirname(file), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
