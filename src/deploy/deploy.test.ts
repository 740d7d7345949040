/** Deployments to a real server with real workers; the archives are a few lines of JavaScript. Needs the built dist/. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addressUrl } from '../config/config.js'
import { pack } from '../archive/index.js'
import { loadConfig } from '../config/load.js'
import { memoryLogger } from '../log.js'
import { startServer, type RunningServer } from '../server.js'
import { deployArchive, oldVersions } from './deploy.js'
import { servingVersion } from './serving-version.js'

let folder = ''
let server: RunningServer
let addresses: { management: string; inference: string }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-deploy-'))
  const flags = new Map(['inference-port', 'management-port', 'metrics-port'].map((flag) => [flag, '0']))
  const config = loadConfig({ profile: 'marina', flags, environment: {}, models: [] })
  server = await startServer(config, {
    log: memoryLogger([]),
    serverVersion: '0',
    stateDir: join(folder, 'state'),
  })
  addresses = {
    management: addressUrl(server.addresses.management),
    inference: addressUrl(server.addresses.inference),
  }
})
afterEach(async () => {
  await server.stop()
  await rm(folder, { recursive: true })
})

/** An archive whose handler answers its version; it promises to answer `promise`. */
async function archiveOf(version: string, promise = version, handler = answering(version)): Promise<string> {
  const file = join(folder, `handler-${version}.js`)
  await writeFile(file, handler)
  const packed = await pack({
    modelName: 'echo',
    version,
    fileName: `echo-${version}`,
    handler: file,
    exportPath: folder,
    force: true,
    marina: {
      examples: [
        {
          name: 'one',
          file: 'one.txt',
          contentType: 'text/plain',
          from: Buffer.from('1'),
          expect: { version: promise, dist: 0.5 },
          tolerance: 0.1,
        },
      ],
    },
  })
  return packed.file
}
const answering = (version: string) =>
  `export default { postprocess: (jobs) => jobs.map(() => ({ version: '${version}', dist: 0.45 })) }`
/** Right in the server's own warm-up, and never again. */
const rightOnce = (version: string, afterwards: string) =>
  `let asked = 0
   export default { postprocess: (jobs) => jobs.map(() => {
     if (asked++ === 0) return { version: '${version}', dist: 0.45 }
     ${afterwards}
   }) }`

const deploy = async (version: string) => deployArchive({ archive: await archiveOf(version), ...addresses })
const versions = async () => {
  const response = await fetch(`${addresses.management}/models/echo/all`)
  return response.status === 404
    ? []
    : ((await response.json()) as { modelVersion: string }[]).map(({ modelVersion }) => modelVersion).sort()
}
const served = async () => {
  const response = await fetch(`${addresses.inference}/predictions/echo`, { method: 'POST', body: '1' })
  return response.status === 200 ? ((await response.json()) as { version: string }).version : response.status
}

describe('a deployment', () => {
  test('registers a new model with a warm worker, asks its examples, and makes it the default', async () => {
    const log: string[] = []
    const archive = await archiveOf('1.0')
    const deployment = await deployArchive({ archive, ...addresses, log: (text) => log.push(text) })
    expect(deployment).toEqual({
      model: 'echo',
      version: '1.0',
      previous: undefined,
      removed: [],
      alreadyThere: false,
      examples: 1,
    })
    expect(log).toEqual([
      'registering echo 1.0, and waiting for its worker',
      'echo 1.0 answered 1 examples as promised',
      'echo 1.0 serves',
    ])
    expect(await served()).toBe('1.0')
  })

  test('of the same archive again changes nothing', async () => {
    await deploy('1.0')
    expect(await deploy('1.0')).toMatchObject({ alreadyThere: true, previous: '1.0', removed: [] })
    expect(await versions()).toEqual(['1.0'])
  })

  test('moves the default, and keeps the last three versions', async () => {
    for (const version of ['1.0', '2.0', '10.0']) await deploy(version)
    expect(await deploy('11.0')).toMatchObject({ previous: '10.0', removed: ['1.0'] })
    expect(await versions()).toEqual(['10.0', '11.0', '2.0'])
    expect(await served()).toBe('11.0')
  })

  test('says which version serves', async () => {
    await deploy('1.0')
    expect(await servingVersion({ ...addresses, model: 'echo' })).toMatchObject({ version: '1.0' })
    expect(await servingVersion({ ...addresses, model: 'other' })).toBeUndefined()
    expect(await servingVersion({ management: 'http://127.0.0.1:9', model: 'echo' })).toBeUndefined()
  })
})

describe('a deployment that fails leaves the old version serving, and nothing of the new one', () => {
  beforeEach(() => deploy('1.0'))
  afterEach(async () => {
    expect(await versions()).toEqual(['1.0'])
    expect(await served()).toBe('1.0')
  })

  test('when an example is answered otherwise than promised', async () => {
    const archive = await archiveOf('2.0', '2.0', rightOnce('2.0', `return { version: 'two', dist: 0.45 }`))
    await expect(deployArchive({ archive, ...addresses })).rejects.toMatchObject({
      code: 'deploy-failed',
      message: `The example 'one' was answered wrongly: version must be "2.0", but is "two". echo 2.0 was unregistered; 1.0 still serves.`,
    })
  })

  test('when an example is not answered', async () => {
    const archive = await archiveOf('2.0', '2.0', rightOnce('2.0', `throw new Error('no luck')`))
    await expect(deployArchive({ archive, ...addresses })).rejects.toThrow(
      /^The example 'one' was answered wrongly: status 503: .* echo 2\.0 was unregistered; 1\.0 still serves\.$/s,
    )
  })

  test('when its worker does not start', async () => {
    const handler = `export default { initialize: () => { throw new Error('no weights') }, postprocess: (jobs) => jobs }`
    const archive = await archiveOf('2.0', '2.0', handler)
    await expect(deployArchive({ archive, ...addresses })).rejects.toThrow(
      /^echo 2\.0 cannot be registered: /,
    )
  })

  test('when it is stopped on the way', async () => {
    const archive = await archiveOf('2.0', '2.0', `await new Promise(() => {}); ${answering('2.0')}`)
    const stop = new AbortController()
    const deployment = deployArchive({ archive, ...addresses, signal: stop.signal })
    const rejected = expect(deployment).rejects.toThrow('enough')
    while (!(await versions()).includes('2.0')) await new Promise((resolve) => setTimeout(resolve, 5))
    stop.abort(new Error('enough'))
    await rejected
  })

  test('when another archive has the version already', async () => {
    const other = await archiveOf('1.0')
    const copy = `${other}.copy.mar`
    const { copyFile } = await import('node:fs/promises')
    await copyFile(other, copy)
    await expect(deployArchive({ archive: copy, ...addresses })).rejects.toThrow(
      `echo 1.0 is registered from ${other}, not from ${copy}. Pack the archive with another version.`,
    )
  })
})

test('the first version of a model that fails leaves no model', async () => {
  const archive = await archiveOf('1.0', '1.0', rightOnce('1.0', 'return {}'))
  await expect(deployArchive({ archive, ...addresses })).rejects.toThrow(
    /echo 1\.0 was unregistered; the model is not registered\.$/,
  )
  expect(await versions()).toEqual([])
})

test('a server that is not there is named, with what to do', async () => {
  const archive = await archiveOf('1.0')
  const nobody = { management: 'http://127.0.0.1:9', inference: 'http://127.0.0.1:9' }
  await expect(deployArchive({ archive, ...nobody })).rejects.toMatchObject({
    code: 'server-unreachable',
    message: expect.stringMatching(
      /^No server answers at http:\/\/127\.0\.0\.1:9 \(.+\)\. Start one: marina serve$/,
    ) as string,
  })
})

test('a server of another kind is named with what it answered', async () => {
  const other = createServer((_, response) => response.end('hello'))
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
  const archive = await archiveOf('1.0')
  await expect(deployArchive({ archive, management: url, inference: url })).rejects.toThrow(
    `${url} does not answer as a model server does: 200 hello`,
  )
  other.close()
})

test('what is not an archive is refused before the server is asked', async () => {
  const file = join(folder, 'text.mar')
  await writeFile(file, 'no archive')
  await expect(deployArchive({ archive: file, ...addresses })).rejects.toMatchObject({
    code: 'invalid-archive',
  })
})

describe('which versions are old', () => {
  test.each([
    [['1.0', '2.0', '10.0', '9.0'], { keep: 3, serving: '10.0' }, ['1.0']],
    [['1.0', '2.0', '3.0', '4.0'], { keep: 2, serving: '1.0' }, ['2.0', '3.0']],
    [['1.0', '1.0'], { keep: 1, serving: '1.0' }, []],
    [['1.0', '2.0'], { keep: 0, serving: '1.0' }, ['2.0']],
  ])('of %j with %j: %j', (all, options, old) => {
    expect(oldVersions(all, options)).toEqual(old)
  })
})
