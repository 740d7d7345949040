/** The original, installed for the recorders: torchserve and torch-model-archiver 0.12.0 in a venv of their own. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { unusedPorts } from '../support/unused-ports.js'

const VERSION = '0.12.0'
const SYSTEM_PYTHON = '/usr/bin/python3'

/** Absolute paths of the original's commands. */
export interface Original {
  readonly torchserve: string
  readonly archiver: string
  readonly python: string
}

/** Installs the original where it is not there yet, and makes sure that it is the version whose answers count. */
export function installOriginal(): Original {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const venv = join(cache, 'marina-tests', `torchserve-${VERSION}`)
  const bin = (name: string) => join(venv, 'bin', name)
  if (!existsSync(bin('torchserve'))) {
    mkdirSync(venv, { recursive: true })
    execFileSync(SYSTEM_PYTHON, ['-m', 'venv', '--system-site-packages', venv], { stdio: 'inherit' })
    const packages = [`torchserve==${VERSION}`, `torch-model-archiver==${VERSION}`]
    execFileSync(bin('pip'), ['install', '--quiet', ...packages], { stdio: 'inherit' })
  }
  for (const name of ['torchserve', 'torch-model-archiver']) {
    const found = execFileSync(bin('pip'), ['show', name], { encoding: 'utf8' })
    if (!found.includes(`Version: ${VERSION}\n`)) throw new Error(`${name} is not ${VERSION}:\n${found}`)
  }
  return { torchserve: bin('torchserve'), archiver: bin('torch-model-archiver'), python: bin('python') }
}

/** The ports of a server under test. */
export interface Ports {
  readonly inference: number
  readonly management: number
  readonly metrics: number
}

/** Ports on which nobody listens. */
export async function freePorts(shared: boolean): Promise<Ports> {
  const [inference = 0, management = 0, metrics = 0] = await unusedPorts(3)
  return { inference, management: shared ? inference : management, metrics }
}

/** How TorchServe is started. */
export interface OriginalServer {
  /** Lines of `config.properties`, without the addresses. */
  readonly config: readonly string[]
  readonly flags: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly modelStore: string
  readonly ports: Ports
}

/** Makes a folder with `config.properties`, and the words with which either server is started there. */
export async function serverFolder({ config, flags, modelStore, ports }: OriginalServer) {
  const folder = await mkdtemp(join(tmpdir(), 'torchserve-'))
  const address = (name: string, port: number) => `${name}_address=http://127.0.0.1:${port}`
  const lines = [
    address('inference', ports.inference),
    address('management', ports.management),
    address('metrics', ports.metrics),
    ...config,
  ]
  await writeFile(join(folder, 'config.properties'), `${lines.join('\n')}\n`)
  const words = ['--foreground', '--ncs', '--model-store', modelStore, '--ts-config', 'config.properties']
  return { folder, words: [...words, ...flags] }
}

/** A TorchServe that answers. */
export interface RunningOriginal {
  /** Where it runs, and where it writes `key_file.json`. */
  readonly folder: string
  /** All that it has printed. */
  output(): string
  stop(): Promise<void>
}

/** Starts TorchServe in the foreground of a folder of its own, and waits until it listens. */
export async function startOriginal(
  { torchserve, python }: Original,
  started: OriginalServer,
): Promise<RunningOriginal> {
  // Its defaults for gRPC would meet those of another TorchServe on this machine.
  const [inference = 0, management = 0] = await unusedPorts(2)
  const grpc = [`grpc_inference_port=${inference}`, `grpc_management_port=${management}`]
  const { folder, words } = await serverFolder({ ...started, config: [...started.config, ...grpc] })
  const path = `${join(python, '..')}:${process.env['PATH'] ?? ''}`
  const child = spawn(torchserve, words, {
    cwd: folder,
    // Its pid file, and its workers' sockets under numbers that are the same in each server.
    env: { ...process.env, PATH: path, TEMP: folder, TMPDIR: folder, ...started.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let said = ''
  child.stdout.on('data', (text: Buffer) => (said += text.toString()))
  child.stderr.on('data', (text: Buffer) => (said += text.toString()))
  try {
    for (const port of new Set(Object.values(started.ports) as number[])) await listens(port, child)
  } catch (error) {
    killGroup(child)
    throw new Error(said.slice(-3000), { cause: error })
  }
  return {
    folder,
    output: () => said,
    async stop() {
      killGroup(child)
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}

async function listens(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (child.exitCode !== null) throw new Error(`TorchServe ended with code ${child.exitCode}`)
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      await pause(200)
    } finally {
      socket.destroy()
    }
  }
  throw new Error(`TorchServe does not listen on port ${port}`)
}
