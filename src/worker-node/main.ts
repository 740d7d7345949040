/**
 * The program inside a Node worker: the worker's side of the conversation on file descriptor 3. It ends when the server
 * asks for it, or when the connection does: no worker outlives its server.
 */
import { Socket } from 'node:net'
import { messageOf } from '../errors.js'
import { createChannel } from '../protocol/channel.js'
import { createDownDecoder, encodeUp } from '../protocol/codec.js'
import { PROTOCOL_VERSION, type DownMessage, type LoadMessage, type UpMessage } from '../protocol/messages.js'
import { loadHandler } from './load-handler.js'
import { Runner } from './runner.js'

const CHANNEL_FD = 3

// The server decides when a worker ends: a Ctrl-C or a service manager's SIGTERM reaches the whole group, and jobs that
// were accepted are to be answered first. The worker's end comes with `stop`, or with the connection.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

const socket = new Socket({ fd: CHANNEL_FD, readable: true, writable: true })
let room: (() => void)[] = []
const channel = createChannel<UpMessage, DownMessage>({
  encode: encodeUp,
  createDecoder: createDownDecoder,
  write(pieces) {
    socket.cork()
    let roomy = true
    for (const piece of pieces) roomy = socket.write(piece)
    socket.uncork()
    return roomy
  },
  onMessage: (message) => void handle(message),
  onBroken(error) {
    process.stderr.write(`${messageOf(error)}\n`)
    process.exit(1)
  },
})
socket.on('data', (bytes) => channel.receive(bytes))
socket.on('drain', () => {
  channel.drained()
  room.forEach((resolve) => resolve())
  room = []
})
socket.on('close', endWithoutServer)
socket.on('error', endWithoutServer)

/** The server is gone: nothing stays of what the handler has started, where this process leads a group of its own. */
function endWithoutServer(): never {
  try {
    process.kill(-process.pid, 'SIGKILL')
  } catch {
    // It leads none: somebody else started it.
  }
  process.exit(0)
}

const uplink = {
  send: (message: UpMessage) => channel.send(message),
  flush: () => channel.flush(),
  roomy: () => (channel.congested ? new Promise<void>((resolve) => room.push(resolve)) : Promise.resolve()),
}

type State =
  { kind: 'new' } | { kind: 'loading' } | { kind: 'ready'; runner: Runner; dispose: () => Promise<void> }
let state: State = { kind: 'new' }

channel.send({
  kind: 'hello',
  version: PROTOCOL_VERSION,
  pid: process.pid,
  runtime: `node ${process.versions.node}`,
})

async function handle(message: DownMessage): Promise<void> {
  switch (message.kind) {
    case 'hello':
      // The server compares the versions, and ends a worker whose version differs.
      return
    case 'load':
      return load(message)
    case 'jobs':
      if (state.kind === 'ready') state.runner.accept(message.jobs, message.start)
      return
    case 'cancel':
      if (state.kind === 'ready') state.runner.cancel(message.keys)
      return
    case 'stop':
      return stop()
    default:
      message satisfies never
  }
}

async function load(message: LoadMessage): Promise<void> {
  state = { kind: 'loading' }
  try {
    const loaded = await loadHandler(message, uplink.send)
    const runner = new Runner({ loaded, batchSize: message.batchSize, uplink })
    state = { kind: 'ready', runner, dispose: async () => loaded.handler.dispose?.(loaded.state) }
    uplink.send({ kind: 'loaded', credit: runner.credit })
  } catch (error) {
    const trace = error instanceof Error ? { trace: traceOf(error) } : {}
    const outOfMemory = error instanceof RangeError && /allocation|memory/i.test(error.message)
    uplink.send({ kind: 'load-failed', message: messageOf(error), outOfMemory, ...trace })
    uplink.flush()
    socket.end(() => process.exit(1))
  }
}

async function stop(): Promise<void> {
  if (state.kind === 'ready') {
    await state.runner.stop()
    await state.dispose().catch((error: unknown) => {
      // All jobs are answered: what is left is to be said, and the end is as good as any.
      uplink.send({ kind: 'log', level: 'warn', message: `The handler's dispose threw: ${traceOf(error)}` })
    })
  }
  uplink.flush()
  socket.end(() => process.exit(0))
}

const traceOf = (error: unknown) => (error instanceof Error && error.stack) || messageOf(error)
