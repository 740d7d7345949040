/** Plays a scene against our server, and compares each answer with the recorded one: status line, headers, body. */
import { readFileSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageVersion } from '../../src/cli/version.js'
import { freePorts } from './original.js'
import { startOurs } from './ours.js'
import { play, type Exchange } from './play.js'
import { recordingOf } from './recorder.js'
import type { Scene } from './step.js'
import type { WireResponse } from './wire.js'

/** One deviation: what we answer instead, as far as it differs. */
export interface Deviation {
  readonly reason: string
  readonly statusLine?: string
  /** What the body must match. */
  readonly body?: RegExp
  /** What stands in the original's body, and in its place in ours. */
  readonly edit?: readonly [theirs: string, ours: string]
  /** Headers by lower-case name; null for one that we do not send. */
  readonly headers?: Readonly<Record<string, string | null>>
  /** What is logged. */
  readonly lines?: readonly string[]
}

/** By scene and title. */
export type Deviations = Readonly<Record<string, Readonly<Record<string, Deviation>>>>

const version = packageVersion()

/** Registers a test for each recorded answer of a scene; `folder` is that of the suite. */
export function compareScene(
  scene: Scene,
  { folder, deviations }: { folder: string; deviations: Deviations },
): void {
  const recorded = JSON.parse(readFileSync(recordingOf({ folder }, scene), 'utf8')) as Exchange[]
  const allowed = deviations[scene.name] ?? {}
  let ours: readonly Exchange[] = []
  let modelStore: string
  beforeAll(async () => {
    modelStore = await mkdtemp(join(tmpdir(), 'marina-store-'))
    await cp(join(folder, 'store'), modelStore, { recursive: true })
    const ports = await freePorts(scene.shared)
    const server = await startOurs({ ...scene, ports, modelStore })
    try {
      ours = await play(scene, { ...server, ports })
    } finally {
      await server.stop()
    }
  })
  afterAll(() => rm(modelStore, { recursive: true, force: true }))

  test('asks what was recorded, and each deviation is one of its titles', () => {
    expect(ours.map(questionOf)).toEqual(recorded.map(questionOf))
    const titles = recorded.map(({ title }) => title)
    expect(Object.keys(allowed).filter((title) => !titles.includes(title))).toEqual([])
  })

  const numbered = recorded.map((exchange, at) => [exchange.title, exchange, at] as const)
  test.each(numbered)('%s', (title, exchange, at) => {
    const found = ours[at]
    const deviation = allowed[title]
    if (!('response' in exchange) || !found || !('response' in found)) {
      expect(found).toEqual({ ...exchange, ...(deviation?.lines && { lines: deviation.lines }) })
      return
    }
    const wanted = expected(exchange.response, deviation)
    expect(actual(found.response, wanted)).toEqual(wanted)
  })
}

const questionOf = (exchange: Exchange) =>
  'request' in exchange ? { title: exchange.title, request: exchange.request } : { title: exchange.title }

type Comparable = Omit<WireResponse, 'headers' | 'body'> & {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | RegExp
}

const byName = (headers: WireResponse['headers']): Record<string, string> =>
  Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]))

function expected(response: WireResponse, deviation: Deviation | undefined): Comparable {
  const headers: Record<string, string | null> = { ...byName(response.headers), ...deviation?.headers }
  // The length belongs to the body, which is compared.
  if (deviation?.body ?? deviation?.edit) delete headers['content-length']
  const sent = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== null)
  const [theirs = '', instead = ''] = deviation?.edit ?? []
  return {
    ...response,
    statusLine: deviation?.statusLine ?? response.statusLine,
    headers: Object.fromEntries(sent),
    body: deviation?.body ?? response.body.replace(theirs, instead),
  }
}

/** Ours as it is compared: a body that matches its pattern is replaced by it, and what we add is taken away. */
function actual(response: WireResponse, wanted: Comparable): Comparable {
  const headers = byName(response.headers)
  // Why a client should come back, and when (contract rest-api §15).
  delete headers['retry-after']
  if (!('content-length' in wanted.headers)) delete headers['content-length']
  const body = withoutOurs(response.body)
  const matches = wanted.body instanceof RegExp && wanted.body.test(body)
  return { ...response, headers, body: matches ? wanted.body : body }
}

/** Fields that we add to a description, after the original's. */
const added = new Set(['state', 'jobs', 'restarts', 'failingSince', 'lastFailure', 'schema'])

function withoutOurs(body: string): string {
  // The version of the server, which is not the original's.
  if (body.startsWith('{\n  "openapi"')) return body.replace(`"version": "${version}"`, '"version": "0.12.0"')
  if (!body.startsWith('[\n  {\n    "modelName"')) return body
  const drop = (key: string, value: unknown) => (added.has(key) ? undefined : value)
  // Masked values are no JSON; they are texts for as long as it takes.
  const quoted = body.replace(/: (BYTES|PID)(,?\n)/g, ': "=$1="$2')
  const text = `${JSON.stringify(JSON.parse(quoted, drop), null, 2)}\n`
  return text.replace(/"=(BYTES|PID)="/g, '$1')
}
