/** Plays a scene against a server that runs, and gives what came back, with what differs by nature masked. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Ports } from './original.js'
import { loggedTexts } from './logged-texts.js'
import { maskedFamilies, maskedLines } from './mask-metrics.js'
import type { Ask, Scene, Step } from './step.js'
import { exchange, type WireResponse } from './wire.js'

/** One request and its answer, or what was logged, as stored. */
export type Exchange =
  | { readonly title: string; readonly request: string; readonly response: WireResponse }
  | { readonly title: string; readonly lines: readonly string[] }

/** What is masked, and why it cannot be equal. */
const masks: readonly { readonly pattern: RegExp; readonly by: string; readonly why: string }[] = [
  { pattern: /"startTime": "[^"]+"/g, by: '"startTime": "TIME"', why: 'the time of the run' },
  { pattern: /"memoryUsage": \d+/g, by: '"memoryUsage": BYTES', why: 'measured at some time' },
  { pattern: /"pid": -?\d+/g, by: '"pid": PID', why: 'a process of the run' },
  { pattern: /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, by: 'UUID', why: 'random' },
]

/** Texts of an API description are free; what a code generator reads is not. */
function withoutTexts(body: string): string {
  if (!body.startsWith('{\n  "openapi"')) return body
  const drop = (key: string, value: unknown) =>
    key === 'description' && typeof value === 'string' ? undefined : value
  return `${JSON.stringify(JSON.parse(body, drop), null, 2)}\n`
}

const masked = (text: string): string =>
  masks.reduce((found, { pattern, by }) => found.replace(pattern, by), text)

/** A server that runs. */
export interface Stage {
  readonly ports: Ports
  /** Where it writes its keys. */
  readonly folder: string
  /** All that it has printed. */
  readonly output: () => string
}

/** Plays all steps in order. */
export async function play(scene: Scene, stage: Stage): Promise<Exchange[]> {
  const { ports, folder } = stage
  const exchanges: Exchange[] = []
  let keys: Readonly<Record<string, string>> = {}
  let seen = 0
  const send = async (ask: Ask): Promise<Exchange> => {
    const named = (_: string, name: string) => keys[name] ?? ''
    const text = ask.request.replace(/\{(inference|management|API)\}/g, named)
    const answer = mask(await exchange(ports[ask.port], Buffer.from(text, 'latin1')))
    const response = scene.rounded ? rounded(answer) : answer
    return { title: `${ask.port}: ${ask.title}`, request: ask.request, response }
  }
  for (const step of scene.steps) {
    if (step.kind === 'read-keys') keys = await readKeys(folder)
    else if (step.kind === 'clear') await exchange(ports[step.port], Buffer.from(step.request))
    else if (step.kind === 'until') await waitFor(ports[step.port], step)
    else if (step.kind === 'file') exchanges.push(await readLines(step, folder))
    else if (step.kind === 'together') exchanges.push(...(await inOrder(step.asks, send)))
    else if (step.kind === 'logged') {
      const found = await linesOf(step, { ...stage, seen })
      seen = found.seen
      exchanges.push({ title: `log: ${step.title}`, lines: found.lines.map(masked) })
    } else exchanges.push(await send(step))
  }
  return exchanges
}

/** Nobody tells when a request has arrived; after this time one has. */
const SPACING_MS = 150

async function inOrder(asks: readonly Ask[], send: (ask: Ask) => Promise<Exchange>): Promise<Exchange[]> {
  const answers: Promise<Exchange>[] = []
  for (const ask of asks) {
    answers.push(send(ask))
    await pause(SPACING_MS)
  }
  return Promise.all(answers)
}

/** Waits for the line that ends what a step is about. */
async function linesOf(
  { title, lines, end }: Extract<Step, { kind: 'logged' }>,
  { output, seen }: { output: () => string; seen: number },
): Promise<{ lines: string[]; seen: number }> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const found = loggedTexts(output()).slice(seen)
    const at = found.findIndex((line) => end.test(line))
    if (at >= 0) {
      return { lines: found.slice(0, at + 1).filter((line) => lines.test(line)), seen: seen + at + 1 }
    }
    await pause(100)
  }
  throw new Error(`${title}: nothing that was logged matches ${String(end)}:\n${output().slice(-3000)}`)
}

function mask(response: WireResponse): WireResponse {
  const body = maskedFamilies(masked(withoutTexts(response.body)))
  const headers = response.headers.map(([name, value]) => [name, masked(value)] as const)
  // A length follows its body, whose masks have changed it.
  if (body === response.body) return { ...response, headers }
  return {
    ...response,
    body,
    headers: headers.map(([name, value]) => [name, name === 'content-length' ? 'LENGTH' : value] as const),
  }
}

/** Waits for what a file is to hold; what does not come is missing in the comparison. */
async function readLines(
  { file, until }: Extract<Step, { kind: 'file' }>,
  folder: string,
): Promise<Exchange> {
  let text = await readFile(join(folder, file), 'utf8')
  for (let attempt = 0; attempt < 150 && !until.every((wanted) => wanted.test(text)); attempt++) {
    await pause(200)
    text = await readFile(join(folder, file), 'utf8')
  }
  return { title: `file: ${file}`, lines: maskedLines(masked(text)) }
}

function rounded(response: WireResponse): WireResponse {
  const body = response.body.replace(/-?\d+\.\d{6,}(e-?\d+)?/g, (text) => Number(text).toPrecision(5))
  if (body === response.body) return response
  const headers = response.headers.map(
    ([name, value]) => [name, name === 'content-length' ? 'LENGTH' : value] as const,
  )
  return { ...response, body, headers }
}

async function readKeys(folder: string): Promise<Record<string, string>> {
  const text = await readFile(join(folder, 'key_file.json'), 'utf8')
  // The file's shape: {"inference": {"key": …, "expiration time": …}, "management": {…}, "API": {"key": …}}.
  const parsed = JSON.parse(text) as Record<string, { key: string }>
  return Object.fromEntries(Object.entries(parsed).map(([name, { key }]) => [name, key]))
}

async function waitFor(port: number, { target, body }: { target: string; body: RegExp }): Promise<void> {
  for (let attempt = 0; attempt < 150; attempt++) {
    const request = `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`
    const response = await exchange(port, Buffer.from(request))
    if (body.test(response.body)) return
    await pause(200)
  }
  throw new Error(`${target} never matched ${String(body)}`)
}
