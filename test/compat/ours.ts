/** Our server, started with the same words and the same file as the original. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { serverFolder, type OriginalServer, type RunningOriginal } from './original.js'

const command = join(process.cwd(), 'bin/torchserve.js')

/** Starts `torchserve --foreground` in a folder of its own, and waits until it listens. */
export async function startOurs(started: OriginalServer): Promise<RunningOriginal> {
  const { ports } = started
  const { folder, words } = await serverFolder(started)
  const child = spawn(process.execPath, [command, ...words], {
    cwd: folder,
    // A pid file of its own: another server on this machine is none of its business.
    env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache'), TMPDIR: folder, ...started.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stdout.on('data', (text: Buffer) => (said += text.toString()))
  child.stderr.on('data', (text: Buffer) => (said += text.toString()))
  const closed = once(child, 'close')
  const stop = async () => {
    child.kill('SIGTERM')
    await closed
    await rm(folder, { recursive: true, force: true })
  }
  for (const port of new Set([ports.inference, ports.management, ports.metrics])) {
    while (!(await answers(port))) {
      if (child.exitCode !== null) throw new Error(`It ended with code ${child.exitCode}:\n${said}`)
      await pause(50)
    }
  }
  return { folder, output: () => said, stop }
}

/** True once something accepts connections; there is no event for that in another process. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
