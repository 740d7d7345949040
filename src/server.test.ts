/** The composition root: what a start that fails leaves behind, and what a stop removes. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addressUrl } from './config/config.js'
import { ServerTests } from '../test/support/served.js'
import type { Config } from './config/config.js'
import { defaultConfig } from './config/load.js'
import { memoryLogger, type LogRecord } from './log.js'
import { startServer } from './server.js'

const free = { host: '127.0.0.1', port: 0 }
let models: ServerTests
let stateDir: string
let logs: LogRecord[]

beforeEach(() => {
  models = new ServerTests()
  stateDir = mkdtempSync(join(tmpdir(), 'marina-state-'))
  logs = []
})
afterEach(async () => {
  await models.close()
  rmSync(stateDir, { recursive: true, force: true })
})

const start = (config: Partial<Config>) =>
  startServer(
    {
      ...defaultConfig('marina'),
      inferenceAddress: free,
      managementAddress: free,
      metricsAddress: free,
      ...config,
    },
    { log: memoryLogger(logs), serverVersion: '0', stateDir },
  )

const echo = () =>
  models.model('echo', { 'handler.js': 'export default { inference: (jobs) => jobs.map(() => "here") }' })
const source = (path: string) => ({ name: undefined, source: path }) as Config['models'][number]
/** Folders of generations: they are there while a model is. */
const generations = () => readdirSync(join(stateDir, 'generations'))

describe('a start', () => {
  test('registers the models before a port is open, and tells when their workers are ready', async () => {
    const server = await start({ models: [source(echo())] })
    try {
      expect(server.catalog.list().map(({ modelName }) => modelName)).toEqual(['echo'])
      expect(await server.workersReady).toEqual([{ status: 'fulfilled', value: undefined }])
      const url = addressUrl(server.addresses.inference)
      expect(await (await fetch(`${url}/predictions/echo`)).text()).toBe('here')
    } finally {
      await server.stop()
    }
  })

  test('with a model that is not there fails with its error, and leaves no folder', async () => {
    const models = [source(echo()), source('no-such.mar')]
    await expect(start({ models })).rejects.toMatchObject({ code: 'model-not-found' })
    expect(generations()).toEqual([])
  })

  test('with a port in use fails with its address, and leaves no worker and no folder', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const address = taken.address()
    const port = typeof address === 'object' && address ? address.port : 0
    try {
      await expect(
        start({ models: [source(echo())], managementAddress: { host: '127.0.0.1', port } }),
      ).rejects.toMatchObject({
        code: 'cannot-listen',
        message: expect.stringContaining(`:${port}`) as string,
      })
    } finally {
      taken.close()
    }
    expect(generations()).toEqual([])
    expect(logs.filter(({ level }) => level === 'error')).toEqual([])
  })
})

describe('one address for inference and management', () => {
  /** Status of a path on a socket; what nobody listens at is none. */
  const statusAt = async (socketPath: string, path: string): Promise<number | undefined> => {
    const sent = request({ socketPath, path, agent: false }).end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    response.resume()
    return response.statusCode
  }

  test.each([
    [true, 200],
    [false, 404],
  ])('shows metrics beside the port that is theirs, where there is one (%s)', async (metricsApi, status) => {
    const shared = { path: join(stateDir, 'shared') }
    const own = { path: join(stateDir, 'own') }
    const server = await start({
      ...{ inferenceAddress: shared, managementAddress: shared, metricsAddress: own },
      metricsApi,
    })
    try {
      expect(await statusAt(shared.path, '/metrics')).toBe(status)
      expect(existsSync(own.path)).toBe(metricsApi)
      if (metricsApi) expect(await statusAt(own.path, '/metrics')).toBe(200)
    } finally {
      await server.stop()
    }
  })
})

describe('a stop', () => {
  test('ends the workers and removes the folders; a second one waits for the first', async () => {
    const server = await start({ models: [source(echo())] })
    await server.workersReady
    const [{ workers } = { workers: [] }] = server.catalog.describe('echo', undefined)
    const pids = workers.map(({ pid }) => pid)
    await Promise.all([server.stop(), server.stop()])
    expect(pids.filter((pid) => isAlive(pid))).toEqual([])
    expect(generations()).toEqual([])
    await expect(fetch(`${addressUrl(server.addresses.inference)}/ping`)).rejects.toThrow()
  })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
