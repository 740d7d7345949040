/** The pipeline's own JSON files: read with distrust, written so that there is never half of one. */
import { open, readFile, rename } from 'node:fs/promises'

/** Whether a value is an object, and no array. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads a file; undefined where it is not there, is no JSON, or not what is wanted. */
export async function readJson<T>(
  file: string,
  isWanted: (value: unknown) => value is T,
): Promise<T | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    return isWanted(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Writes JSON in the place of what was there: at no moment is there half of it. */
export async function replaceJson(file: string, value: unknown): Promise<void> {
  await writeSynced(`${file}.${process.pid}`, value)
  await rename(`${file}.${process.pid}`, file)
}

/** A rename is on disk when its folder is. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes JSON and waits until it is on disk. */
export async function writeSynced(file: string, value: unknown): Promise<void> {
  const handle = await open(file, 'w')
  try {
    await handle.writeFile(`${JSON.stringify(value, null, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
