/** Many connections to one port: some that send request after request, some that send nothing. */
import { KeepAliveClient } from './keep-alive-client.js'
import { rawConnection, type RawConnection } from './raw-http.js'

/** A crowd that is connected. */
export interface Crowd {
  /** Each busy client sends so many requests, one after the other; the statuses of all answers. */
  askAll(path: string, times: number): Promise<number[]>
  slowestMs(): number
  /** How many of the idle ones the server has not closed. */
  idleOnesOpen(): number
  close(): void
}

// The kernel's queue of new connections is no longer than this on many machines.
const AT_ONCE = 100

/** Connects them. */
export async function crowdOf(
  port: number,
  { idle, busy }: { readonly idle: number; readonly busy: number },
): Promise<Crowd> {
  const idlers: RawConnection[] = await inTurns(idle, () => rawConnection(port))
  const clients: KeepAliveClient[] = await inTurns(busy, () => KeepAliveClient.connect(port))
  let slowestMs = 0
  const ask = async (client: KeepAliveClient, { path, times }: { path: string; times: number }) => {
    const statuses: number[] = []
    for (let i = 0; i < times; i++) {
      const started = performance.now()
      statuses.push((await client.post(path, 'hello')).status)
      slowestMs = Math.max(slowestMs, performance.now() - started)
    }
    return statuses
  }
  return {
    askAll: async (path, times) =>
      (await Promise.all(clients.map((client) => ask(client, { path, times })))).flat(),
    slowestMs: () => slowestMs,
    idleOnesOpen: () => idlers.filter(({ socket }) => socket.readyState === 'open').length,
    close() {
      for (const { socket } of idlers) socket.destroy()
      for (const client of clients) client.close()
    },
  }
}

async function inTurns<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const all: T[] = []
  while (all.length < count)
    all.push(...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - all.length) }, make))))
  return all
}
