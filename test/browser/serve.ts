/** `marina serve` as a process of its own, for tests. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const marina = fileURLToPath(new URL('../../bin/marina.js', import.meta.url))

/** A server that has told its address. */
export interface ServedPage {
  /** Of the page. */
  readonly url: string
  /** Ends it at once, and waits for its end. */
  stop(): Promise<void>
}

/** Serves archives, or nothing, on free ports. */
export async function serve(...models: readonly string[]): Promise<ServedPage> {
  const ports = ['--inference-port', '--management-port', '--metrics-port'].flatMap((flag) => [flag, '0'])
  const server = spawn(process.execPath, [marina, 'serve', ...models, '--json', ...ports], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exited = new Promise<void>((resolve) => server.once('close', () => resolve()))
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface({ input: server.stdout }).once('line', resolve)),
    exited.then(() => Promise.reject(new Error('The server ended by itself.'))),
  ])
  const { page } = JSON.parse(line) as { page: string }
  const stop = () => {
    server.kill('SIGKILL')
    return exited
  }
  return { url: page, stop }
}
