/** The recorded command lines, and Marina's command run on each in a folder of the same input files. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, realpathSync, chmodSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runArchiver } from '../../../src/cli/torch-model-archiver/run.js'

/** What a command line did: lines of text, and what was new in its folder afterwards (folders.py says how). */
export interface Outcome {
  readonly exit: number
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
  readonly made: Readonly<Record<string, unknown>>
}

/** A recorded command line; `{work}` and `{tmp}` in its words are the folders of the case. */
export interface RecordedCase extends Outcome {
  readonly title: string
  readonly command: string
  readonly words: readonly string[]
  readonly files: readonly unknown[]
  readonly env?: Readonly<Record<string, string>>
  /** It was run without root's rights. */
  readonly user?: string
}

interface Recorded {
  readonly usage: readonly string[]
  readonly help: readonly string[]
  readonly cases: readonly RecordedCase[]
}

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const recorded = JSON.parse(readFileSync(here('recorded.json'), 'utf8')) as Recorded

/** All cases. */
export const recordedCases = recorded.cases

/** Where a case's command is run, and what stands for its folders in texts. */
export interface CaseFolder {
  readonly work: string
  readonly tmp: string
}

/** Makes a folder of input files for each case, below a new folder. */
export function makeCaseFolders(cases: readonly RecordedCase[]): { root: string; folders: CaseFolder[] } {
  // In memory where that can be had: each packing syncs its file, which takes 10 ms on a disk and is not the point here.
  const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const root = realpathSync(mkdtempSync(join(parent, 'marina-replay-')))
  chmodSync(root, 0o755)
  execFileSync('python3', [here('folders.py'), 'make', root], { input: JSON.stringify(cases) })
  const folders = cases.map((_, n) => ({ work: join(root, `${n}`, 'work'), tmp: join(root, `${n}`, 'tmp') }))
  return { root, folders }
}

/** What the cases have left in their folders, read by Python. */
export function readCaseFolders(root: string): Outcome['made'][] {
  const text = execFileSync('python3', [here('folders.py'), 'read', root], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  return JSON.parse(text) as Outcome['made'][]
}

/** The words of a case with its folders filled in. */
export const wordsOf = ({ words }: RecordedCase, { work, tmp }: CaseFolder): string[] =>
  words.map((word) => word.replaceAll('{work}', work).replaceAll('{tmp}', tmp))

/** Of a help text the usage and the options: what they are for is said in words of our own. */
function withoutSentences(text: string): string {
  const end = text.indexOf('\n\n')
  const options = text.indexOf('options:\n', end)
  if (end < 0 || options < 0) return text
  const names = text.slice(options).match(/^ {2}-.*?(?=\s{2,}\S|$)/gm) ?? []
  return [text.slice(0, end), '', 'options:', ...names, ''].join('\n')
}

/** A text of Marina's as it would have been recorded. */
export function asRecorded(text: string, { work, tmp }: CaseFolder): string[] {
  return withoutSentences(text)
    .replaceAll(work, '{work}')
    .replaceAll(tmp, '{tmp}')
    .replace(recorded.help.join('\n'), '{help}')
    .replace(recorded.usage.join('\n'), '{usage}')
    .split('\n')
}

const NOBODY = 65534

/** Runs a case in this process, as it would run in its folder, with its environment and its rights. */
export async function replay(one: RecordedCase, folder: CaseFolder): Promise<Omit<Outcome, 'made'>> {
  const cwd = process.cwd()
  const restore = setEnvironment({ TMPDIR: folder.tmp, COLUMNS: '80', ...one.env })
  const written = { stdout: '', stderr: '' }
  const isRestricted = one.user !== undefined && process.geteuid?.() === 0
  try {
    process.chdir(folder.work)
    if (isRestricted) process.seteuid?.(NOBODY)
    const exit = await runArchiver(wordsOf(one, folder), {
      stdout: (text) => (written.stdout += text),
      stderr: (text) => (written.stderr += text),
    })
    return { exit, stdout: asRecorded(written.stdout, folder), stderr: asRecorded(written.stderr, folder) }
  } finally {
    if (isRestricted) process.seteuid?.(0)
    restore()
    process.chdir(cwd)
  }
}

/** In place: os.tmpdir() asks the system's environment, not a replaced `process.env`. */
function setEnvironment(values: Readonly<Record<string, string>>): () => void {
  const before = Object.keys(values).map((key) => [key, process.env[key]] as const)
  Object.assign(process.env, values)
  return () => {
    for (const [key, value] of before)
      if (value === undefined) Reflect.deleteProperty(process.env, key)
      else process.env[key] = value
  }
}
