/** `marina dev` under load, while its handler is edited: every request is answered, by the old code or by the new. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DevSession } from '../support/dev-session.js'
import { KeepAliveClient } from '../support/keep-alive-client.js'
import { childrenOf, commandLineOf } from '../support/children.js'
import { ServerTests, type ShownVersion } from '../support/served.js'
import { unusedPorts } from '../support/unused-ports.js'

/** `npm run dev-edits` sets it to 50, and has the times printed. */
const EDITS = Number(process.env['MARINA_DEV_EDITS'] ?? 4)
const CONNECTIONS = 4
/** Between two saves of fifty: nobody saves more often, and what is prepared between two saves is part of what is measured. */
const THINKING_MS = 1000

let tests: ServerTests
beforeAll(() => (tests = new ServerTests()))
afterAll(() => tests.close())

const typescript = (answer: string) => `import { defineHandler } from 'marina'
const answer: string = ${JSON.stringify(answer)}
export default defineHandler({
  inference(jobs: readonly unknown[]) {
    if (answer === 'boom') throw new Error(answer)
    return jobs.map(() => answer)
  },
})
`
const python = (answer: string) => `ANSWER = ${JSON.stringify(answer)}
def handle(data, context):
    if data and ANSWER == "boom":
        raise ValueError(ANSWER)
    return [ANSWER] * len(data) if data else None
`
const languages = [
  { language: 'TypeScript', file: 'handler.ts', source: typescript, error: 'Error: boom', line: 5 },
  { language: 'Python', file: 'handler.py', source: python, error: 'ValueError: boom', line: 4 },
] as const

describe.each(languages)('a $language handler', ({ language, file, source, error, line }) => {
  test('that is edited under load answers every request, and with the new code from the reload on', async () => {
    const session = DevSession.start(tests, {
      name: `load-${language.toLowerCase()}`,
      files: { [file]: source('v0') },
    })
    const { port } = await session.ready()
    const path = `/predictions/load-${language.toLowerCase()}`
    const wrong: string[] = []
    const answeredFirst = new Map<string, number>()
    let sent = 0
    let isOver = false
    const client = async () => {
      const connection = await KeepAliveClient.connect(port)
      while (!isOver) {
        sent++
        const { status, body } = await connection.post(path, 'x')
        if (!answeredFirst.has(body)) answeredFirst.set(body, performance.now())
        if (status !== 200 || !/^v\d+$/.test(body)) wrong.push(`${status} ${body}`)
      }
      connection.close()
    }
    const load = Promise.all(Array.from({ length: CONNECTIONS }, client))
    const probe = await KeepAliveClient.connect(port)
    const tookMs: number[] = []
    for (let edit = 1; edit <= EDITS; edit++) {
      if (EDITS >= 50) await new Promise((resolve) => setTimeout(resolve, THINKING_MS))
      const savedMs = performance.now()
      session.edit({ [file]: source(`v${edit}`) })
      expect(await session.event()).toMatchObject({ event: 'reloaded', file })
      expect((await probe.post(path, 'x')).body).toBe(`v${edit}`)
      tookMs.push((answeredFirst.get(`v${edit}`) ?? performance.now()) - savedMs)
    }
    isOver = true
    await load
    probe.close()
    expect(wrong).toEqual([])
    expect(sent).toBeGreaterThan(EDITS)
    if (EDITS >= 50) console.log(figures(language, { sent, tookMs }))
  })

  test('that does not load any more leaves the old code serving, and describe says why', async () => {
    const name = `broken-${language.toLowerCase()}`
    const session = DevSession.start(tests, { name, files: { [file]: source('old') } })
    const { inference, management } = await session.ready()
    const ask = async () => {
      const response = await fetch(`${inference}/predictions/${name}`, { method: 'POST', body: 'x' })
      return `${response.status} ${await response.text()}`
    }
    const described = async () =>
      ((await (await fetch(`${management}/models/${name}`)).json()) as { reloadFailure?: object }[])[0]

    session.edit({ [file]: `${source('new')}\n)(` })
    const failed = await session.event()
    expect(failed).toMatchObject({ event: 'failed', file, serving: true })
    expect(failed.message).toMatch(/handler\.(ts:10:1: Unexpected|py, line 7)/)
    expect(await ask()).toBe('200 old')
    expect(await described()).toMatchObject({ reloadFailure: { message: failed.message } })

    session.edit({ [file]: source('boom') })
    expect(await session.event()).toMatchObject({ event: 'reloaded' })
    expect(await described()).not.toHaveProperty('reloadFailure')
    const answer = await ask()
    expect(answer).toContain(`503 {`)
    expect(answer).toMatch(new RegExp(`Prediction failed: ${error} \\(.*${file}:${line}\\)`))
  })
})

test.skipIf(process.platform !== 'linux').each(languages)(
  'a process is there before a $language handler is saved, and is what loads it',
  async ({ language, file, source }) => {
    const name = `ready-${language.toLowerCase()}`
    const session = DevSession.start(tests, { name, files: { [file]: source('v1') } })
    const { inference, management } = await session.ready()
    const serving = async () => {
      const [version] = (await (await fetch(`${management}/models/${name}`)).json()) as ShownVersion[]
      return version?.workers.map(({ pid }) => pid) ?? []
    }
    const [first] = await serving()
    const waiting = () =>
      childrenOf(session.program.pid).filter(
        (pid) => pid !== first && /worker-node|marina_worker/.test(commandLineOf(pid)),
      )
    await expect.poll(() => waiting().length, { timeout: 60_000 }).toBe(1)
    const [next] = waiting()
    session.edit({ [file]: source('v2') })
    expect(await session.event()).toMatchObject({ event: 'reloaded' })
    expect(await serving()).toEqual([next])
    expect(
      await (await fetch(`${inference}/predictions/${name}`, { method: 'POST', body: 'x' })).text(),
    ).toBe('v2')
  },
)

test('a project that does not load at first is served as soon as it does', async () => {
  const session = DevSession.start(tests, { name: 'first', files: { 'handler.ts': 'export const x = 1' } })
  expect(await session.event()).toMatchObject({ event: 'failed', serving: false })
  session.edit({ 'handler.ts': typescript('at last') })
  const { inference } = await session.ready()
  expect(await (await fetch(`${inference}/predictions/first`, { method: 'POST', body: 'x' })).text()).toBe(
    'at last',
  )
})

test('a file that the handler imports from outside of its project is watched too', async () => {
  const files = {
    'handler.ts': `import { answer } from '../shared/answer.js'
export default { inference: (jobs: readonly unknown[]) => jobs.map(() => answer) }`,
    '../shared/answer.ts': `export const answer = 'one'`,
  }
  const session = DevSession.start(tests, { name: 'imports', files })
  const { inference } = await session.ready()
  session.edit({ '../shared/answer.ts': `export const answer = 'two'` })
  expect(await session.event()).toMatchObject({ event: 'reloaded', file: '../shared/answer.ts' })
  expect(await (await fetch(`${inference}/predictions/imports`, { method: 'POST', body: 'x' })).text()).toBe(
    'two',
  )
})

test('an answer that is not the one of the examples is said, and served', async () => {
  const files = {
    'handler.ts': 'export default { inference: (jobs: readonly unknown[]) => jobs.map(() => ({ pred: 7 })) }',
    'examples/one.txt': '1',
    'examples/one.txt.expect.json': '{ "pred": 1 }',
  }
  const session = DevSession.start(tests, { name: 'examples', files })
  await session.ready()
  await session.program.until(/Example one was not answered as the archive promises: pred is 7, not 1/)
})

test('--inspect opens the debugger of the worker that serves, at the same port after each reload', async () => {
  const [port = 0] = await unusedPorts(1)
  const session = DevSession.start(tests, {
    name: 'inspected',
    files: { 'handler.ts': typescript('v1') },
    words: ['--inspect', String(port)],
  })
  const target = async () => {
    const [found] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { id: string }[]
    return found?.id
  }
  await session.ready()
  await session.program.until(/Debugger listening/)
  const first = await target()
  session.edit({ 'handler.ts': typescript('v2') })
  expect(await session.event()).toMatchObject({ event: 'reloaded' })
  await session.program.until(/Debugger listening[^]*Debugger listening/)
  expect(first).toBeDefined()
  expect(await target()).not.toBe(first)
})

test('--inspect names debugpy, which a Python handler needs for it, where it is not there', async () => {
  const absent = join(tests.folder, 'absent/debugpy.py')
  mkdirSync(dirname(absent))
  writeFileSync(absent, 'raise ImportError("not here")')
  const session = DevSession.start(tests, {
    name: 'uninspected',
    files: { 'handler.py': python('v1') },
    words: ['--inspect'],
    env: { PYTHONPATH: dirname(absent) },
  })
  expect(await session.program.exited).toBe(2)
  expect(session.program.stderr).toMatch(/--inspect needs debugpy.* has none: .* -m pip install debugpy/)
})

test('SIGTERM ends it with exit code 0, and nothing of it is left running', async () => {
  const session = DevSession.start(tests, { name: 'ended', files: { 'handler.ts': typescript('v1') } })
  await session.ready()
  session.program.child.kill('SIGTERM')
  expect(await session.program.exited).toBe(0)
})

function figures(language: string, { sent, tookMs }: { sent: number; tookMs: number[] }): string {
  const sorted = tookMs.toSorted((a, b) => a - b).map(Math.round)
  const [median, worst] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)]
  return `${language}: ${sorted.length} edits, ${sent} requests, 0 failed; from the save to the new answer: median ${median} ms, worst ${worst} ms`
}
