/** Where the demo works: the example in its place in a clone, or a copy of it beside a user who installed the package. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { MarinaError } from '../../errors.js'

/** The project of the demo. */
export interface DemoProject {
  readonly folder: string
  /** Its pipeline. */
  readonly file: string
  /** The folder as a person would write it from here. */
  readonly shown: string
  /** Its sample pictures, written the same way. */
  readonly samples: string
}

const COPY = 'marina-mnist'

/**
 * Finds the project, and makes the copy when it is the first time.
 * @throws MarinaError `step-failed` when npm fails; the signal's reason. What is not whole is removed then.
 */
export async function demoProject(options: {
  signal: AbortSignal
  output: NodeJS.WriteStream
}): Promise<DemoProject> {
  const root = dirname(createRequire(import.meta.url).resolve('marina/package.json'))
  const example = join(root, 'examples', 'mnist')
  const isInstalled = root.split(sep).includes('node_modules')
  const folder = isInstalled ? resolve(COPY) : example
  if (isInstalled && !existsSync(join(folder, 'node_modules')))
    await copyProject(example, folder, { root, ...options })
  const shown = relative(process.cwd(), folder) || '.'
  return { folder, file: join(folder, 'pipeline.ts'), shown, samples: join(shown, 'samples') }
}

/** Copies the example, and installs what it needs, by npm as any project does. */
async function copyProject(
  from: string,
  to: string,
  { root, signal, output }: { root: string; signal: AbortSignal; output: NodeJS.WriteStream },
): Promise<void> {
  output.write(
    `The demo's project is copied to ${relative(process.cwd(), to)}; its packages are installed by npm.\n`,
  )
  if (!existsSync(to)) await copyFiles(from, to, root)
  try {
    await npmInstall(to, { signal, output })
  } catch (error) {
    await rm(join(to, 'node_modules'), { recursive: true, force: true })
    throw error
  }
}

async function copyFiles(from: string, to: string, root: string): Promise<void> {
  const beside = `${to}.${process.pid}.tmp`
  try {
    await cp(from, beside, { recursive: true })
    const file = join(beside, 'package.json')
    const manifest = JSON.parse(await readFile(file, 'utf8')) as { dependencies: Record<string, string> }
    const dependencies = { ...manifest.dependencies, marina: `file:${root}` }
    await writeFile(file, `${JSON.stringify({ ...manifest, dependencies }, null, 2)}\n`)
    await writeFile(join(beside, '.npmrc'), 'onnxruntime-node-install=skip\n')
    await rename(beside, to)
  } catch (error) {
    await rm(beside, { recursive: true, force: true })
    throw error
  }
}

async function npmInstall(
  folder: string,
  { signal, output }: { signal: AbortSignal; output: NodeJS.WriteStream },
): Promise<void> {
  const words = ['install', '--no-audit', '--no-fund', '--loglevel=error', '--install-links=false']
  // What npm says goes where all else goes: stdout may be a program's.
  const npm = spawn('npm', words, { cwd: folder, stdio: ['ignore', output, output] })
  const stop = () => npm.kill('SIGTERM')
  signal.addEventListener('abort', stop, { once: true })
  const how = await new Promise<string>((resolve) => {
    npm.once('error', (error) => resolve(`npm cannot be run: ${error.message}`))
    npm.once('exit', (code) => resolve(code === 0 ? '' : `npm install failed in ${folder}`))
  })
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  if (how) throw new MarinaError('step-failed', `${how}. Run it there, then run the demo again.`)
}
