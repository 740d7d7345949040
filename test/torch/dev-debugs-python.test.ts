/** `marina dev --inspect` for a Python handler, with a real debugpy: a breakpoint in the project's file stops the worker. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DevSession } from '../support/dev-session.js'
import { venvWith } from '../support/python-venv.js'
import { ServerTests } from '../support/served.js'
import { unusedPorts } from '../support/unused-ports.js'

let tests: ServerTests
beforeAll(() => (tests = new ServerTests()))
afterAll(() => tests.close())

const handler = (answer: string) => `def handle(data, context):
    if not data: return
    answer = ${JSON.stringify(answer)}
    return [answer for row in data]
`

interface DapMessage {
  readonly type: string
  readonly event?: string
  readonly request_seq?: number
  readonly body?: { readonly [key: string]: unknown }
}

/** A client of the Debug Adapter Protocol. */
class Dap {
  readonly #socket: Socket
  readonly #messages: DapMessage[] = []
  readonly #looks = new Set<() => void>()
  #rest = Buffer.alloc(0)
  #seq = 0

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#receive(bytes))
  }

  static async connect(port: number): Promise<Dap> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Dap(socket)
  }

  /** Sends a request; resolves with its answer. */
  request(command: string, args: object = {}): Promise<DapMessage> {
    const seq = ++this.#seq
    const text = JSON.stringify({ seq, type: 'request', command, arguments: args })
    this.#socket.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
    return this.until((message) => message.type === 'response' && message.request_seq === seq)
  }

  event(name: string): Promise<DapMessage> {
    return this.until((message) => message.type === 'event' && message.event === name)
  }

  until(is: (message: DapMessage) => boolean): Promise<DapMessage> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.#messages.find(is)
        if (!found) return
        this.#looks.delete(look)
        resolve(found)
      }
      this.#looks.add(look)
      look()
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    for (;;) {
      const head = /^Content-Length: (\d+)\r\n\r\n/.exec(this.#rest.toString('latin1'))
      const end = head ? head[0].length + Number(head[1]) : Infinity
      if (this.#rest.length < end || !head) break
      this.#messages.push(JSON.parse(this.#rest.toString('utf8', head[0].length, end)) as DapMessage)
      this.#rest = this.#rest.subarray(end)
    }
    for (const look of [...this.#looks]) look()
  }
}

// The first run on a machine fetches debugpy too.
test('a breakpoint stops the worker that serves, before and after a reload', async () => {
  const [port = 0] = await unusedPorts(1)
  const session = DevSession.start(tests, {
    name: 'debugged',
    files: { 'handler.py': handler('v1') },
    words: ['--inspect', String(port), '--python', venvWith(['debugpy==1.8.22'])],
  })
  const { inference } = await session.ready()
  const file = join(session.folder, 'handler.py')
  await session.program.until(/Debugger listening/)
  expect(await stopped(port, { file, url: `${inference}/predictions/debugged` })).toEqual(['v1', file, 3])
  session.edit({ 'handler.py': handler('v2') })
  expect(await session.event()).toMatchObject({ event: 'reloaded' })
  await session.program.until(/Debugger listening[^]*Debugger listening/)
  expect(await stopped(port, { file, url: `${inference}/predictions/debugged` })).toEqual(['v2', file, 3])
}, 600_000)

/** Sets a breakpoint at line 3, which runs once for each batch, asks, and goes on from there: the answer, and where it stood. */
async function stopped(port: number, { file, url }: { file: string; url: string }) {
  const dap = await Dap.connect(port)
  await dap.request('initialize', { adapterID: 'test' })
  const attached = dap.request('attach', { justMyCode: true })
  await dap.event('initialized')
  await dap.request('setBreakpoints', { source: { path: file }, breakpoints: [{ line: 3 }] })
  await dap.request('configurationDone')
  await attached
  const answer = fetch(url, { method: 'POST', body: 'x' })
  const { threadId } = (await dap.event('stopped')).body ?? {}
  const stack = await dap.request('stackTrace', { threadId })
  const [frame] = stack.body?.['stackFrames'] as { line: number; source: { path: string } }[]
  await dap.request('continue', { threadId })
  const text = await (await answer).text()
  await dap.request('disconnect')
  dap.close()
  return [text, frame?.source.path, frame?.line]
}
