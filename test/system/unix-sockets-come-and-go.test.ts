/** `unix:` addresses: who may connect, what is answered, and that no file of them stays (contract server-config §5.1). */
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ServerTests, type Program } from '../support/served.js'

const tests = new ServerTests()
let archive = ''
beforeAll(async () => {
  archive = await tests.archive(
    'echo',
    `export default { inference: (rows, state, jobs) => jobs.map((job) => job.input.parts[0].data) }`,
  )
})
afterAll(() => tests.close())

const at = (name: string) => join(tests.folder, name)
const PORTS = ['--management-port', '0', '--metrics-port', '0']

async function ask(socketPath: string, path: string, body = '') {
  const sent = request({ socketPath, path, method: body === '' ? 'GET' : 'POST', agent: false })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: response.statusCode, text: await text(response) }
}

/** Serves on sockets of these names, in the order inference, management, metrics. */
async function serve(...names: readonly [string, string, string]): Promise<Program & { addresses: object }> {
  const roles = ['inference', 'management', 'metrics'].flatMap((role, i) => [
    `--${role}-address`,
    `unix:${at(names[i] ?? '')}`,
  ])
  const program = tests.run(['serve', archive, ...roles, '--json'])
  const [line] = await program.until(/^\{"event":"ready".*$/m)
  const { addresses } = JSON.parse(line) as { addresses: object }
  return Object.assign(program, { addresses })
}

test('three sockets answer as three ports do, and are for their owner alone', async () => {
  const served = await serve('i.sock', 'm.sock', 'x.sock')
  expect(served.addresses).toEqual({
    inference: `unix:${at('i.sock')}`,
    management: `unix:${at('m.sock')}`,
    metrics: `unix:${at('x.sock')}`,
  })
  expect(await ask(at('i.sock'), '/predictions/echo', 'hello')).toEqual({ status: 200, text: 'hello' })
  expect((await ask(at('m.sock'), '/models')).text).toContain('"modelName": "echo"')
  expect((await ask(at('x.sock'), '/metrics')).status).toBe(200)
  expect((await ask(at('i.sock'), '/models')).status).toBe(404)
  // Whoever may not write to a socket may not connect to it (unix(7)).
  const umask = Number.parseInt(
    /^Umask:\s*(\d+)/m.exec(readFileSync(`/proc/${served.pid}/status`, 'utf8'))?.[1] ?? '',
    8,
  )
  for (const name of ['i.sock', 'm.sock', 'x.sock'])
    expect(lstatSync(at(name)).mode & 0o777).toBe(0o666 & ~umask)
  served.child.kill('SIGTERM')
  expect(await served.exited).toBe(0)
  expect(['i.sock', 'm.sock', 'x.sock'].filter((name) => existsSync(at(name)))).toEqual([])
})

test('one path for all is one port for all', async () => {
  const served = await serve('one.sock', 'one.sock', 'one.sock')
  const statuses = ['/ping', '/models', '/metrics'].map(
    async (path) => (await ask(at('one.sock'), path)).status,
  )
  expect(await Promise.all(statuses)).toEqual([200, 200, 200])
  served.child.kill('SIGTERM')
  expect(await served.exited).toBe(0)
})

test('what a killed server left is replaced, and a second Ctrl-C leaves nothing', async () => {
  const killed = await serve('s.sock', 's.sock', 's.sock')
  killed.child.kill('SIGKILL')
  await killed.exited
  expect(existsSync(at('s.sock'))).toBe(true)
  const next = await serve('s.sock', 's.sock', 's.sock')
  expect((await ask(at('s.sock'), '/ping')).status).toBe(200)
  next.child.kill('SIGINT')
  next.child.kill('SIGINT')
  await next.exited
  expect(existsSync(at('s.sock'))).toBe(false)
})

test.each([
  ['a server listens there', 'busy.sock'],
  ['there is a file of that name, and it is no socket', 'notes.txt'],
])('where %s the start ends, and nothing is removed', async (why, name) => {
  if (name === 'notes.txt') writeFileSync(at(name), 'mine')
  else await serve(name, name, name)
  const second = tests.run(['serve', archive, '--inference-address', `unix:${at(name)}`, ...PORTS])
  expect(await second.exited).toBe(1)
  expect(second.stdout + second.stderr).toContain(`Cannot listen on unix:${at(name)}: ${why}.`)
  expect(existsSync(at(name))).toBe(true)
  if (name !== 'notes.txt') expect((await ask(at(name), '/ping')).status).toBe(200)
})
