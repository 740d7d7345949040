/** Reads the folder form (`no-archive`, SageMaker): the files lie there already. */
import { createReadStream } from 'node:fs'
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { RandomAccess } from '../recognise/index.js'
import type { Container, ContainerOptions, Member, Visit } from './container.js'
import { unreadableFile } from './errors.js'
import { meterOf, type Meter } from './limits.js'

/**
 * Opens a folder. Links are followed, since the folder is its owner's and weights are often linked; a link
 * back to a folder above is passed over. Members are in order of names.
 */
export async function openFolder(folder: string, { limits }: ContainerOptions): Promise<Container> {
  const meter = meterOf(folder, Number.POSITIVE_INFINITY, limits)
  const members = await walk(folder, { prefix: '', above: [await realpath(folder)], meter })
  const body = (member: Member, signal?: AbortSignal) =>
    createReadStream(join(folder, member.name), signal && { signal })
  return {
    kind: 'folder',
    members,
    async read(member) {
      try {
        return await readFile(join(folder, member.name))
      } catch (error) {
        throw unreadableFile(join(folder, member.name), error)
      }
    },
    access: (member) => fileAccess(join(folder, member.name), member.bytes),
    headerProblems: () => Promise.resolve([]),
    async each(visit: Visit, { signal } = {}) {
      for (const member of members) await visit(member, body(member, signal))
    },
    close: () => Promise.resolve(),
  }
}

/** A file's bytes at any place; it is opened for each reading, since a folder has nothing to close. */
function fileAccess(path: string, bytes: number): RandomAccess {
  return {
    bytes,
    async read(at, length) {
      const file = await open(path, 'r')
      try {
        const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, at)
        return buffer.subarray(0, bytesRead)
      } finally {
        await file.close()
      }
    },
  }
}

/**
 * The folder that is the model: when a folder holds exactly one entry and that is a folder, the inner one
 * (contract archive §4.4; SageMaker's tarballs have such a root).
 */
export async function modelFolder(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true })
  const [only] = entries
  return entries.length === 1 && only?.isDirectory() && only.name !== 'MAR-INF'
    ? join(folder, only.name)
    : folder
}

interface Walk {
  /** Path below the root, with a slash at its end, or empty. */
  readonly prefix: string
  /** Real paths from the root down to here. */
  readonly above: readonly string[]
  readonly meter: Meter
}

async function walk(folder: string, { prefix, above, meter }: Walk): Promise<Member[]> {
  const names = (await readdir(folder)).sort()
  meter.countMembers(names.length)
  const members: Member[] = []
  for (const name of names) {
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    if (found?.isFile()) {
      members.push({ name: prefix + name, bytes: found.size, executable: (found.mode & 0o100) !== 0 })
    } else if (found?.isDirectory()) {
      const real = await realpath(path)
      if (above.includes(real)) continue
      members.push(...(await walk(path, { prefix: `${prefix}${name}/`, above: [...above, real], meter })))
    }
  }
  return members
}
