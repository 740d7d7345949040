/** A copy of this package's built files and its example, so that a test of the demo starts from nothing. Needs the built dist/. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { root } from './pipeline-project.js'

/** One copy. */
export interface DemoCopy {
  readonly folder: string
  /** Starts `marina demo` with more words. */
  demo(...words: readonly string[]): DemoRun
  /** Numbers of processes that were started from the copy and still run. */
  processes(): Promise<number[]>
  remove(): Promise<void>
}

/** A demo on its way. */
export interface DemoRun {
  readonly child: ChildProcess
  /** Resolves when what it has written to stdout or stderr holds the text or a match; rejects when it ends without. */
  says(text: string | RegExp): Promise<void>
  /** All that it has written. */
  said(): string
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>
}

const GROWN = new Set(['.cache', 'runs', 'model_store', 'new', 'node_modules'])

/** Makes a copy. */
export async function copyDemo(): Promise<DemoCopy> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'marina-demo-')))
  for (const name of ['package.json', 'bin', 'dist', 'examples/mnist']) {
    await cp(join(root, name), join(folder, name), {
      recursive: true,
      filter: (path) => !GROWN.has(basename(path)),
    })
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  return {
    folder,
    demo: (...words) => start(folder, words),
    processes: () => processesOf(folder),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

function start(folder: string, words: readonly string[]): DemoRun {
  const child = spawn(process.execPath, [join(folder, 'bin/marina.js'), 'demo', ...words], { cwd: folder })
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (piece) => {
      texts[name] += String(piece)
      child.emit('said')
    })
  let isOver = false
  const ended = once(child, 'close').then(([code]) => {
    isOver = true
    child.emit('said')
    return { code: code as number | null, ...texts }
  })
  return {
    child,
    ended,
    said: () => texts.stdout + texts.stderr,
    async says(text) {
      const holds = (said: string) => (typeof text === 'string' ? said.includes(text) : text.test(said))
      while (!holds(texts.stdout + texts.stderr)) {
        if (isOver) throw new Error(`It ended without saying ${String(text)}:\n${texts.stderr}`)
        await once(child, 'said')
      }
    },
  }
}

async function processesOf(folder: string): Promise<number[]> {
  const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    numbers.map(async (pid) => {
      // A process that ends while it is looked at has no command line, and neither has a zombie.
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return words.includes(folder) ? [Number(pid)] : []
    }),
  )
  return found.flat()
}
