/** Clients that keep their connection, and send one request after the other. Whether one is tried again is said by them. */
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { countEnded, countSent, emptyTally, type Ended, type Tally } from './tally.js'
import type { ChaosRequest, Subject } from './subject.js'

/** A connection to one server. */
export interface Client {
  post(path: string, what: ChaosRequest): Promise<Ended>
  close(): void
}

/** An answer that does not come at all is given up after this time; the longest fault takes a fraction of it. */
const GIVE_UP_MS = 30_000

/** Opens a connection at its first request. A request is never sent twice: `node:http` does not, other than `fetch`. */
export function createClient(server: string): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    post: (path, what) => post(new URL(path, server), { what, agent }),
    close: () => agent.destroy(),
  }
}

function post(url: URL, { what, agent }: { what: ChaosRequest; agent: Agent }): Promise<Ended> {
  const headers = {
    'content-length': Buffer.byteLength(what.body),
    ...(what.contentType === undefined ? {} : { 'content-type': what.contentType }),
  }
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException) =>
      resolve({ kind: 'failed', why: error.code ?? error.message })
    const sent = request(url, { method: 'POST', agent, headers, timeout: GIVE_UP_MS }, (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('error', failed)
      response.on('end', () =>
        resolve(judge(what, { status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString() })),
      )
    })
    sent.on('timeout', () =>
      sent.destroy(Object.assign(new Error('no answer'), { code: `no answer in ${GIVE_UP_MS / 1000} s` })),
    )
    sent.on('error', failed)
    sent.end(what.body)
  })
}

/** Whether an answer is the one that its request asked for. */
export function judge({ expected }: ChaosRequest, { status, text }: { status: number; text: string }): Ended {
  if (status !== 200) return { kind: 'failed', why: `${status} ${text.slice(0, 100)}`.trim() }
  if (expected === undefined || text === expected) return { kind: 'answered' }
  return { kind: 'failed', why: 'another answer than its own' }
}

/** A load that runs. */
export interface Load {
  /** As far as it has come. */
  tallyOf(model: string): Tally
  /** Sends nothing more, and waits for the answers to what was sent. */
  stop(): Promise<void>
}

/** How many connections each model gets. */
export const connectionsOf = (connections: number, { models, at }: { models: number; at: number }): number =>
  Math.max(1, Math.floor(connections / models) + (at < connections % models ? 1 : 0))

/**
 * Starts a load on all subjects. With more than one server, a request that fails is sent again to the next one, at most
 * `attempts` times in all.
 */
export function startLoad(
  subjects: readonly Subject[],
  options: { servers: readonly string[]; connections: number; attempts: number },
): Load {
  const { servers, connections, attempts } = options
  const tallies = new Map<string, Tally>()
  const state = { stopping: false }
  const startedMs = performance.now()
  const client = async (subject: Subject) => {
    const clients = servers.map(createClient)
    const { model } = subject
    const count = (move: (tally: Tally) => Tally) =>
      tallies.set(model, move(tallies.get(model) ?? emptyTally))
    for (let at = 0; !state.stopping;) {
      const sentMs = performance.now()
      count(countSent)
      const what = subject.requestOf(tallies.get(model)?.sent ?? 0)
      const { ended, used, retries } = await insist(clients, { what, model, first: at, attempts })
      at = used
      const endedMs = performance.now()
      const times = { tookMs: endedMs - sentMs, atMs: endedMs - startedMs }
      count((tally) => countEnded(tally, { ...ended, ...times, retries }))
      // A server that refuses at once must not be asked in a busy loop.
      if (ended.kind === 'failed') await sleep(PAUSE_MS)
    }
    for (const each of clients) each.close()
  }
  const models = subjects.length
  const running = Promise.all(
    subjects.flatMap((subject, at) =>
      Array.from({ length: connectionsOf(connections, { models, at }) }, () => client(subject)),
    ),
  )
  return {
    tallyOf: (model) => tallies.get(model) ?? emptyTally,
    async stop() {
      state.stopping = true
      await running
    },
  }
}

const PAUSE_MS = 20

/** Sends one request until a server answers it, each attempt to the next server. */
async function insist(
  clients: readonly Client[],
  options: { what: ChaosRequest; model: string; first: number; attempts: number },
): Promise<{ ended: Ended; used: number; retries: number }> {
  const { what, model, first, attempts } = options
  let ended: Ended = { kind: 'failed', why: 'not sent' }
  for (let retries = 0; ; retries++) {
    const used = (first + retries) % clients.length
    ended = (await clients[used]?.post(`/predictions/${model}`, what)) ?? ended
    if (ended.kind === 'answered' || retries + 1 >= attempts) return { ended, used, retries }
    await sleep(PAUSE_MS)
  }
}
