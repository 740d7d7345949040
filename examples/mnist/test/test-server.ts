/** `marina serve` in a process of its own, on free ports, without models. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

/** A server that listens. */
export interface TestServer {
  readonly inference: string
  readonly management: string
  stop(): Promise<void>
}

/** Starts it; `cache` is where it unpacks archives. */
export async function startTestServer(cache: string): Promise<TestServer> {
  const marina = join(dirname(createRequire(import.meta.url).resolve('marina/package.json')), 'bin/marina.js')
  const ports = ['--inference-port', '--management-port', '--metrics-port'].flatMap((flag) => [flag, '0'])
  const child = spawn(process.execPath, [marina, 'serve', '--json', '--log-level', 'error', ...ports], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, XDG_CACHE_HOME: cache },
  })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { addresses } = JSON.parse(line) as { addresses: { inference: string; management: string } }
  return {
    ...addresses,
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}
