/** Ports for programs that must be told one, and cannot take 0. */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

// Linux gives ports from 32768 on to whoever asks for any, macOS from 49152 on: nobody gets one of these meanwhile.
const LOWEST = 10_000
const BEYOND = 32_768

/** Different ports on which nobody listens. */
export async function unusedPorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = randomInt(LOWEST, BEYOND)
    if (await isUnused(port)) ports.add(port)
  }
  return [...ports]
}

async function isUnused(port: number): Promise<boolean> {
  const server = createServer().listen(port)
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  await once(server.close(), 'close')
  return true
}
