/**
 * Claims of processes of one machine: files or folders whose name says which process they belong to,
 *
 *     <pid>-<when that process started>-<random>
 *
 * Claims are only ever removed by their owner, or when their owner is gone, and no two have one name: nobody can take
 * away what another one has just taken.
 */
import { randomBytes } from 'node:crypto'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** How a claim turned out. */
export type Claimed =
  | { readonly kind: 'held'; readonly release: () => Promise<void> }
  /** Nothing is left of ours. `by`: who is in the way, in words. */
  | { readonly kind: 'taken'; readonly by: string }

/**
 * Claims what stands for one thing in a folder: all the files whose names begin with `prefix`. It is held when no other live
 * process has a claim beside ours. Two that claim in the same instant see each other, and both are refused: wait for a
 * random time before the next try.
 */
export async function claim(folder: string, prefix = ''): Promise<Claimed> {
  const own = prefix + (await nameOfClaim())
  const release = () => rm(join(folder, own), { force: true })
  await writeFile(join(folder, own), '')
  try {
    const by = await otherClaim(folder, { prefix, own })
    if (by === undefined) return { kind: 'held', release }
    await release()
    return { kind: 'taken', by }
  } catch (error) {
    await release()
    throw error
  }
}

/** A name for what belongs to this process, used by nothing else. */
export async function nameOfClaim(): Promise<string> {
  return `${process.pid}-${(await startOf(process.pid)) ?? ''}-${randomBytes(4).toString('hex')}`
}

/** Whether the process of a name still works. A name of two parts says no start: its number alone counts. */
export async function isClaimLive(name: string): Promise<boolean> {
  const [pid, started, random] = name.split('-')
  const now = await startOf(Number(pid))
  return now !== undefined && (random === undefined || now === started)
}

/** In words, whose claim stands beside ours; claims of processes that are gone are removed. */
async function otherClaim(
  folder: string,
  { prefix, own }: { prefix: string; own: string },
): Promise<string | undefined> {
  const others = (await readdir(folder)).filter((name) => name.startsWith(prefix) && name !== own)
  for (const name of others) {
    const claim = name.slice(prefix.length)
    if (!(await isClaimLive(claim))) {
      await rm(join(folder, name), { force: true })
      continue
    }
    const since = await stat(join(folder, name)).catch(() => undefined)
    // Given back in between.
    if (since) return `process ${claim.split('-')[0] ?? ''}, since ${since.mtime.toISOString()}`
  }
  return undefined
}

/**
 * What tells a process from a later one of the same number: the clock tick at which it started, '' where the system does
 * not say; undefined when there is no such process. After a restart of a container the numbers begin again.
 */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // proc(5): the name stands in brackets and may hold anything; state is field 3, starttime field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie works no more; in a container nobody may ever take it away.
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return process.platform === 'linux' || !isRunning(pid) ? undefined : ''
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
