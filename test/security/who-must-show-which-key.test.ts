/** Every kind of call against every kind of `Authorization`, over sockets: the exact answers of contract security A1.5. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { manualClock } from '../../src/clock.js'
import { addressUrl } from '../../src/config/config.js'
import { defaultConfig } from '../../src/config/load.js'
import { openPorts, type Ports } from '../../src/http/ports.js'
import type { PortRole } from '../../src/http/routes.js'
import { createTokens, type KeyKind } from '../../src/http/tokens.js'
import { memoryLogger } from '../../src/log.js'
import { createMetrics } from '../../src/metrics/metrics.js'
import { memoryServing } from '../support/memory-serving.js'

const LIFE_MS = 15_000
const clock = manualClock()
let folder = ''
let ports: Ports
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'marina-keys-'))
  const serving = memoryServing()
  serving.add('token-x', '1.0')
  const own = { host: '127.0.0.1', port: 0 }
  const addresses = { inferenceAddress: own, managementAddress: own, metricsAddress: own }
  ports = await openPorts({
    config: { ...defaultConfig('torchserve'), ...addresses },
    catalog: serving.catalog,
    infer: serving.infer,
    metrics: createMetrics(),
    life: { declared: [], isStopping: () => false },
    clock,
    log: memoryLogger([]),
    serverVersion: '0',
    tokens: createTokens({ path: join(folder, 'key_file.json'), lifeMs: LIFE_MS, clock }),
  })
})
afterAll(async () => {
  await ports.close(AbortSignal.abort())
  rmSync(folder, { recursive: true })
})

const keyOf = (kind: KeyKind): string =>
  (JSON.parse(readFileSync(join(folder, 'key_file.json'), 'utf8')) as Record<KeyKind, { key: string }>)[kind]
    .key

async function ask(role: PortRole, path: string, authorization?: string) {
  const headers = { Referer: 'http://x/token', ...(authorization === undefined ? {} : { authorization }) }
  const address = ports.addresses[role]
  if (!address) throw new Error(`nobody listens for ${role}`)
  const response = await fetch(addressUrl(address) + path, { headers })
  return {
    status: response.status,
    text: await response.text(),
    connection: response.headers.get('connection'),
  }
}

const refusal = (what: string) =>
  '{\n  "code": 400,\n  "type": "InvalidKeyException",\n  "message": "Token ' +
  `${what} failed. Token either incorrect, expired, or not provided correctly"\n}\n`

const calls: readonly (readonly [string, PortRole, string, KeyKind | 'none'])[] = [
  ['a prediction', 'inference', '/predictions/token-x', 'inference'],
  ['a ping', 'inference', '/ping', 'inference'],
  ['the list of models', 'management', '/models', 'management'],
  ['a model whose name begins with token', 'management', '/models/token-x', 'management'],
  ['a new key', 'management', '/token?type=management', 'API'],
  ['metrics', 'metrics', '/metrics', 'none'],
  ['the API of inference', 'inference', '/api-description', 'none'],
  ['the API of management', 'management', '/api-description', 'none'],
]

/** Values of the header that show no key, or not the one that is asked for. */
const wrong = (kind: KeyKind): readonly (string | undefined)[] => [
  undefined,
  'Bearer wrong',
  keyOf(kind),
  `bearer ${keyOf(kind)}`,
  `Basic ${keyOf(kind)}`,
  `Bearer ${keyOf(kind)} x`,
  `Bearer ${keyOf(kind)}x`,
  `Bearer ${keyOf(kind).slice(0, -1)}`,
  ...(['inference', 'management', 'API'] as const)
    .filter((other) => other !== kind)
    .map((other) => `Bearer ${keyOf(other)}`),
]

describe.each(calls)('%s', (_, role, path, kind) => {
  test(`asks for the key: ${kind}`, async () => {
    if (kind === 'none') {
      for (const shown of [undefined, 'Bearer wrong', `Bearer ${keyOf('API')}`])
        expect((await ask(role, path, shown)).status).toBe(200)
      return
    }
    for (const shown of wrong(kind)) {
      const text = refusal(kind === 'API' ? 'Authentication' : 'Authorization')
      expect(await ask(role, path, shown)).toEqual({ status: 400, text, connection: 'close' })
    }
    for (const blanks of [' ', '  ', '\t'])
      expect((await ask(role, path, `Bearer${blanks}${keyOf(kind)}`)).status).toBe(200)
  })
})

test('a key that has expired is none; a new one of its kind opens, and the other kind stays dead', async () => {
  const old = keyOf('inference')
  clock.advance(LIFE_MS)
  for (const [role, path, kind] of [
    ['inference', '/ping', 'inference'],
    ['management', '/models', 'management'],
  ] as const)
    expect((await ask(role, path, `Bearer ${keyOf(kind)}`)).text).toBe(refusal('Authorization'))
  const renewed = await ask('management', '/token?type=inference', `Bearer ${keyOf('API')}`)
  expect([renewed.status, renewed.text]).toEqual([200, '\n'])
  expect((await ask('inference', '/ping', `Bearer ${keyOf('inference')}`)).status).toBe(200)
  expect((await ask('inference', '/ping', `Bearer ${old}`)).status).toBe(400)
  expect((await ask('management', '/models', `Bearer ${keyOf('management')}`)).status).toBe(400)
})
