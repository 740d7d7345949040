/** The folder in which a case runs, and what is kept of its run. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Case } from './cases.js'

/** What a command printed, and how it ended. */
export interface Ended {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** A case that ends before a server is started. */
export interface LauncherRecord extends Ended {
  readonly name: string
  /** The pid file is there afterwards. */
  readonly pidFile: boolean
}

/** A case that starts a server, or fails to. */
export interface SettingsRecord {
  readonly name: string
  readonly started: boolean
  /** `key_file.json` was written. */
  readonly tokens?: boolean
  /** Lines of the block. */
  readonly settings?: readonly string[]
  readonly failure?: string
}

/** A case, ready to run. */
export interface Prepared {
  readonly words: readonly string[]
  readonly cwd: string
  readonly environment: NodeJS.ProcessEnv
}

/** Runs `action` in a folder of the case's own, with nothing of our environment but what finds programs. */
export async function inFolder<T>(one: Case, action: (prepared: Prepared) => T | Promise<T>): Promise<T> {
  const cwd = realpathSync(await mkdtemp(join(tmpdir(), 'torchserve-case-')))
  const here = (text: string) => text.replaceAll('{cwd}', cwd)
  try {
    await mkdir(join(cwd, 'store'))
    await mkdir(join(cwd, 'tmp'))
    for (const [path, text] of Object.entries(one.files ?? {})) {
      await mkdir(dirname(join(cwd, path)), { recursive: true })
      await writeFile(join(cwd, path), text, 'latin1')
    }
    const variables = Object.entries(one.environment ?? {}).map(
      ([name, value]) => [name, here(value)] as const,
    )
    const environment: NodeJS.ProcessEnv = {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      TMPDIR: join(cwd, 'tmp'),
      COLUMNS: '80',
      ...Object.fromEntries(variables),
    }
    return await action({ words: one.words.map(here), cwd, environment })
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
}

/** The folder's name is another one each time. */
export const masked = (text: string, cwd: string): string => text.replaceAll(cwd, '{cwd}')
