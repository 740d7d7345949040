/** Keys, their file, and who has to show which (contract security G 1, 3, 4). */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { manualClock, type ManualClock } from '../clock.js'
import { MarinaError } from '../errors.js'
import type { HttpRequest } from './message.js'
import { routePort, type PortRole, type Route } from './routes.js'
import { tokenGuard, tokenRoute } from './token-routes.js'
import { createTokens, type KeyKind, type Tokens } from './tokens.js'

let folder = ''
let clock: ManualClock
let tokens: Tokens
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'marina-tokens-'))
  clock = manualClock()
  tokens = make()
})
afterEach(() => {
  chmodSync(folder, 0o700)
  rmSync(folder, { recursive: true })
})

const make = () =>
  createTokens({
    path: join(folder, 'key_file.json'),
    lifeMs: 15_000,
    clock,
    dateMs: () => 1_708_117_942_801,
  })

type KeyFile = Record<KeyKind, { key: string; 'expiration time'?: string }>
const text = () => readFileSync(join(folder, 'key_file.json'), 'utf8')
const keys = () => JSON.parse(text()) as KeyFile
const bearer = (kind: KeyKind) => `Bearer ${keys()[kind].key}`

describe('the file', () => {
  test('has the original’s shape, and only its owner can read it', () => {
    const { management, inference, API } = keys()
    expect(text()).toBe(
      JSON.stringify(
        {
          management: { key: management.key, 'expiration time': '2024-02-16T21:12:37.801Z' },
          inference: { key: inference.key, 'expiration time': '2024-02-16T21:12:37.801Z' },
          API: { key: API.key },
        },
        undefined,
        2,
      ),
    )
    expect(new Set([management.key, inference.key, API.key].map((key) => /^[\w-]{22}$/.test(key)))).toEqual(
      new Set([true]),
    )
    expect(statSync(join(folder, 'key_file.json')).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['key_file.json'])
  })

  test('is written anew by each start, whatever stood there', () => {
    const before = keys()
    chmodSync(join(folder, 'key_file.json'), 0o644)
    make()
    expect(keys().API.key).not.toBe(before.API.key)
    expect(statSync(join(folder, 'key_file.json')).mode & 0o777).toBe(0o600)
  })

  test('that cannot be written ends the start, with the cure', () => {
    const path = join(folder, 'no-such-folder', 'key_file.json')
    const failing = () => createTokens({ path, lifeMs: 1, clock })
    expect(failing).toThrow(/^Token Authorization setup unsuccessful: .*key_file\.json cannot be written/)
    expect(failing).toThrow(/--disable-token-auth/)
  })
})

describe('a key', () => {
  test('is shown as Bearer and one word', () => {
    const { key } = keys().inference
    const shown = [`Bearer ${key}`, `Bearer  ${key}`, `Bearer\t${key}`]
    const refused = [
      undefined,
      '',
      key,
      `bearer ${key}`,
      `Bearer ${key} x`,
      `Bearer ${key} `,
      `Bearer ${key}x`,
      ' Bearer x',
    ]
    expect(shown.map((text) => tokens.accepts('inference', text))).toEqual(shown.map(() => true))
    expect(refused.map((text) => tokens.accepts('inference', text))).toEqual(refused.map(() => false))
  })

  test('is good for its lifetime, and that of the API for ever', () => {
    const [inference, api] = [bearer('inference'), bearer('API')]
    clock.advance(14_999)
    expect(tokens.accepts('inference', inference)).toBe(true)
    clock.advance(1)
    expect([tokens.accepts('inference', inference), tokens.accepts('API', api)]).toEqual([false, true])
  })

  test('that is renewed leaves the other kinds as they were, and the old one is worth nothing', () => {
    const old = keys()
    clock.advance(20_000)
    tokens.renew('inference')
    expect(tokens.accepts('inference', `Bearer ${old.inference.key}`)).toBe(false)
    expect(tokens.accepts('inference', bearer('inference'))).toBe(true)
    expect([keys().management, keys().API]).toEqual([old.management, old.API])
  })

  test('whose file cannot be written again stays as it was', () => {
    const old = bearer('inference')
    rmSync(folder, { recursive: true })
    expect(() => tokens.renew('inference')).toThrow(/cannot be written/)
    expect(tokens.accepts('inference', old)).toBe(true)
    folder = mkdtempSync(join(tmpdir(), 'marina-tokens-'))
  })
})

describe('a port', () => {
  /** A port on which every path is answered 200 once the keys are settled. */
  async function ask(roles: readonly PortRole[], target: string, authorization?: string) {
    const everything: Route = () => ({ kind: 'whole', status: 200, headers: [], body: 'answered' })
    const renewal = roles.includes('management') ? [tokenRoute(tokens)] : []
    const handle = routePort([tokenGuard(tokens, roles), ...renewal, everything])
    const rawHeaders = [
      'Referer',
      'http://x/token',
      ...(authorization ? ['authorization', authorization] : []),
    ]
    const request = { method: 'GET', target, rawHeaders } as unknown as HttpRequest
    const unused = { open: () => undefined } as never
    try {
      const response = await handle(request, unused)
      return response.kind === 'whole' ? response.body : response.kind
    } catch (error) {
      if (error instanceof MarinaError)
        return `${error.status} ${error.type} ${error.message.split(' ')[1] ?? ''}`
      throw error
    }
  }
  const refused = '400 InvalidKeyException Authorization'

  const kinds: readonly (KeyKind | 'none')[] = ['none', 'inference', 'management', 'API']
  const answers = (roles: readonly PortRole[], target: string) =>
    Promise.all(kinds.map((kind) => ask(roles, target, kind === 'none' ? undefined : bearer(kind))))

  test.each([
    ['inference', '/ping', 'inference'],
    ['inference', '/predictions/m', 'inference'],
    ['inference', '/no-such-path', 'inference'],
    ['inference', '/token', 'inference'],
    ['management', '/models', 'management'],
    ['management', '/models/token-x', 'management'],
    ['management', '/no-such-path', 'management'],
  ] as const)('of %s: %s opens to the key of %s alone', async (role, target, opener) => {
    expect(await answers([role], target)).toEqual(
      kinds.map((kind) => (kind === opener ? 'answered' : refused)),
    )
  })

  test.each(['/live', '/startup', '/ready', '/ready/m', '/ready/m/1.0'])(
    'asks for none at the probe %s, since a kubelet has none',
    async (target) => {
      expect(await answers(['inference', 'management'], target)).toEqual(kinds.map(() => 'answered'))
    },
  )

  test('asks for the key of a model called ready, whose oldest path looks like a probe', async () => {
    expect(await answers(['inference'], '/ready/predict')).toEqual([refused, 'answered', refused, refused])
  })

  test('of metrics asks for none', async () => {
    expect(await answers(['metrics'], '/metrics')).toEqual(kinds.map(() => 'answered'))
  })

  test.each([
    ['/predictions/m', 'inference'],
    ['/models/m/invoke', 'inference'],
    ['/models', 'management'],
    ['/models/m/1.0/set-default', 'management'],
  ] as const)('with all roles asks for the key of the path: %s, %s', async (target, opener) => {
    const roles = ['inference', 'management', 'metrics'] as const
    expect(await answers(roles, target)).toEqual(
      kinds.map((kind) => (kind === opener ? 'answered' : refused)),
    )
    expect(await ask(roles, '/metrics')).toBe('answered')
  })

  test('/token makes a new key for the API key alone, and for the two kinds that there are', async () => {
    const wrong = '400 InvalidKeyException Authentication'
    expect(await answers(['management'], '/token?type=inference')).toEqual([wrong, wrong, wrong, '\n'])
    expect(await ask(['management'], '/token?type=API', bearer('API'))).toBe(wrong)
    expect(await ask(['management'], '/token', bearer('API'))).toBe(wrong)
    const old = bearer('management')
    expect(await ask(['management'], '/token?type=management', bearer('API'))).toBe('\n')
    expect(await ask(['management'], '/models', old)).toBe(refused)
    expect(await ask(['management'], '/models', bearer('management'))).toBe('answered')
  })
})
