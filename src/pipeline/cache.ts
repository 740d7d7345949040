/**
 * Outputs on disk: `.cache/<key>/<output>`. A step writes into a folder of its own beside it, which takes its place whole,
 * with `done.json` in it, so that what is there is complete.
 *
 *     .cache/<key>/           outputs of a step, and done.json
 *     .cache/tmp/<key>.<pid>/ outputs that are being written
 *     .cache/scratch/<key>/   what an interrupted step left for its next try
 *     .cache/last/<step>.json what the step was when it last was done
 *     .cache/code/            bundles
 *     .cache/locks/           who works here
 */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { missingOutput } from './errors.js'
import { fingerprint, isUnchanged, type Fingerprint } from './fingerprint.js'
import { isRecord, readJson, replaceJson, syncFolder, writeSynced } from './json-file.js'
import type { Params } from './step.js'

/** What is known of outputs that are there. */
export interface Done {
  readonly outputs: Readonly<Record<string, Fingerprint>>
  /** What the step reported. */
  readonly report: Params
  readonly seconds: number
}

/** What made a step what it was, to say what has changed since. */
export interface Last {
  readonly key: string
  readonly code: string
  readonly params: Params
  /** Hashes by input. */
  readonly inputs: Readonly<Record<string, string>>
}

/** What is there under a key. */
export type Found =
  | { readonly kind: 'absent' }
  | { readonly kind: 'whole'; readonly done: Done }
  /** `what` is not as the step left it. */
  | { readonly kind: 'damaged'; readonly what: string }

/** The cache of one project. */
export interface Cache {
  /** Where an output is or will be. */
  pathOf(key: string, output: string): string
  /** Looks whether all that was made under the key is there as it was left. */
  find(key: string, outputs: readonly string[]): Promise<Found>
  /** A folder to write outputs to, empty. */
  begin(key: string): Promise<{ readonly folder: string; readonly scratch: string }>
  /** Puts the folder in its place. @throws MarinaError `step-failed` when an output is missing */
  commit(
    key: string,
    step: { name: string; outputs: readonly string[] } & Omit<Done, 'outputs'>,
  ): Promise<Done>
  /** Removes what was begun; the scratch folder stays. */
  abandon(key: string): Promise<void>
  last(step: string): Promise<Last | undefined>
  noteLast(step: string, last: Last): Promise<void>
  /** Removes what processes that are gone left half-written. */
  sweep(): Promise<void>
  /** Removes everything but the keys that are named and the code; returns how many keys went. */
  keepOnly(keys: ReadonlySet<string>): Promise<number>
}

const MARK = 'done.json'
const OWN_FOLDERS = ['tmp', 'scratch', 'last', 'code', 'locks']

/** The cache below `root`, usually `.cache` in the project. */
export function openCache(root: string): Cache {
  const folderOf = (key: string) => join(root, key)
  const begun = (key: string) => join(root, 'tmp', `${key}.${process.pid}`)
  const scratchOf = (key: string) => join(root, 'scratch', key)
  const lastOf = (step: string) => join(root, 'last', `${step}.json`)

  return {
    pathOf: (key, output) => join(folderOf(key), output),

    async find(key, outputs) {
      if (!existsSync(folderOf(key))) return { kind: 'absent' }
      const done = await readJson(join(folderOf(key), MARK), isDone)
      if (!done) return { kind: 'damaged', what: `its mark ${MARK}` }
      for (const output of outputs) {
        const noted = done.outputs[output]
        if (!noted || !(await isUnchanged(join(folderOf(key), output), noted)))
          return { kind: 'damaged', what: `its output ${output}` }
      }
      return { kind: 'whole', done }
    },

    async begin(key) {
      await rm(begun(key), { recursive: true, force: true })
      await mkdir(begun(key), { recursive: true })
      await mkdir(scratchOf(key), { recursive: true })
      return { folder: begun(key), scratch: scratchOf(key) }
    },

    async commit(key, { name, outputs, report, seconds }) {
      const made: Record<string, Fingerprint> = {}
      for (const output of outputs) {
        const found = await fingerprint(join(begun(key), output), { sync: true })
        if (!found) throw missingOutput(name, output)
        made[output] = found
      }
      const done: Done = { outputs: made, report, seconds }
      await writeSynced(join(begun(key), MARK), done)
      await rm(folderOf(key), { recursive: true, force: true })
      await rename(begun(key), folderOf(key))
      await syncFolder(root)
      await rm(scratchOf(key), { recursive: true, force: true })
      return done
    },

    abandon: (key) => rm(begun(key), { recursive: true, force: true }),
    last: (step) => readJson(lastOf(step), isLast),

    async noteLast(step, last) {
      await mkdir(join(root, 'last'), { recursive: true })
      await replaceJson(lastOf(step), last)
    },

    // Only the holder of the lock calls this, so whatever is half-written belongs to nobody.
    sweep: () => rm(join(root, 'tmp'), { recursive: true, force: true }),

    async keepOnly(keys) {
      const names = existsSync(root) ? await readdir(root) : []
      const old = names.filter((name) => !OWN_FOLDERS.includes(name) && !keys.has(name))
      const begunOnce = existsSync(join(root, 'scratch')) ? await readdir(join(root, 'scratch')) : []
      const left = begunOnce.filter((name) => !keys.has(name))
      const places = [...old.map(folderOf), ...left.map(scratchOf), join(root, 'tmp')]
      await Promise.all(places.map((place) => rm(place, { recursive: true, force: true })))
      return old.length
    },
  }
}

const isFingerprint = (value: unknown): value is Fingerprint =>
  isRecord(value) && typeof value['hash'] === 'string' && isRecord(value['files'])

const isDone = (value: unknown): value is Done =>
  isRecord(value) &&
  isRecord(value['outputs']) &&
  Object.values(value['outputs']).every(isFingerprint) &&
  isRecord(value['report']) &&
  typeof value['seconds'] === 'number'

const isLast = (value: unknown): value is Last =>
  isRecord(value) &&
  typeof value['code'] === 'string' &&
  isRecord(value['params']) &&
  isRecord(value['inputs'])
