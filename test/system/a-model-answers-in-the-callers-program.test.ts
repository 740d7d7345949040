/** `load` of the package: a model in a program of the caller's own, in a worker process. Uses the built dist/ as a user would. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { load, MarinaError } from 'marina'
import { isRunning } from '../support/children.js'
import { ServerTests } from '../support/served.js'

let tests: ServerTests
let archive = ''
beforeAll(async () => {
  tests = new ServerTests()
  process.env['XDG_CACHE_HOME'] = join(tests.folder, 'cache')
  archive = await tests.archive('facts', HANDLER)
})
afterAll(() => tests.close())

const HANDLER = `import { existsSync } from 'node:fs'; import { failure, reply } from 'marina'
const textOf = (job) => Buffer.from(job.input.parts[0].data).toString()
export default { async inference(jobs) { return Promise.all(jobs.map(answer)) } }
async function answer(job) {
  const text = textOf(job)
  if (text === 'pid') return { pid: process.pid, type: job.input.parts[0].contentType ?? null, operation: job.operation }
  if (text === 'bytes') return Uint8Array.of(0x89, 0x50)
  if (text === 'created') return reply({ made: true }, { status: 201, headers: { 'x-kind': job.headers['x-kind'] ?? '' } })
  if (text === 'refuse') return failure(422, 'no digit on it')
  if (text === 'die') process.exit(3)
  if (text === 'throw') throw new TypeError('not today')
  if (text.startsWith('spin until ')) { for (const end = Date.now() + 60_000; Date.now() < end && !existsSync(text.slice(11));); return 'spun' }
  if (text === 'never') return new Promise(() => {})
  return 'seen ' + text
}
`

interface Facts {
  readonly pid: number
  readonly type: string | null
  readonly operation: string
}

const leftovers = () => readdirSync(join(tests.folder, 'cache/marina/generations'))
const codeOf = (error: unknown) => (error instanceof MarinaError ? error.code : error)

describe('a loaded archive', () => {
  test('answers with values, in a process of its own that ends with it', async () => {
    const model = await load<Facts>(archive)
    expect(model).toMatchObject({ name: 'facts', version: '1.0' })
    const { pid, ...rest } = await model.predict(Buffer.from('pid'))
    expect(rest).toEqual({ type: null, operation: 'predict' })
    const explained = await model.predict('pid', { operation: 'explain', contentType: 'text/html; x=y' })
    expect(explained).toEqual({ pid, type: 'text/html', operation: 'explain' })
    expect(pid).not.toBe(process.pid)
    expect(isRunning(pid)).toBe(true)
    expect(leftovers()).toHaveLength(1)
    await model.close()
    await model.close()
    expect(isRunning(pid)).toBe(false)
    expect(leftovers()).toEqual([])
    await expect(model.predict('pid')).rejects.toMatchObject({ code: 'stopped' })
  })

  test('gives text, bytes, objects, and whole answers with status and headers', async () => {
    await using model = await load(archive)
    expect(await model.predict('hello')).toBe('seen hello')
    expect(await model.predict({ a: 1 })).toBe('seen {"a":1}')
    expect(await model.predict('bytes')).toEqual(Uint8Array.of(0x89, 0x50))
    const created = await model.ask('created', { headers: { 'x-kind': 'test' } })
    expect(created).toMatchObject({ status: 201, headers: { 'x-kind': 'test' } })
    const refused = await model.ask('refuse')
    expect({ ...refused, body: Buffer.from(refused.body).toString() }).toMatchObject({
      status: 422,
      body: 'no digit on it',
    })
  })

  test('throws what went wrong, with file and line, and answers on', async () => {
    await using model = await load(archive)
    await expect(model.predict('refuse')).rejects.toMatchObject({
      code: 'bad-request',
      message: 'no digit on it',
    })
    const thrown = model.predict('throw')
    await expect(thrown).rejects.toMatchObject({
      code: 'prediction-failed',
      message: 'TypeError: not today (handler.js:11)',
    })
    await expect(model.predict('die')).rejects.toMatchObject({ code: 'worker-failed' })
    expect(await model.predict('again')).toBe('seen again')
  })

  test('leaves the event loop to the caller while it computes', async () => {
    await using model = await load(archive)
    let isSpinning = true
    const spun = model.predict(`spin until ${tests.folder}/counted`).finally(() => (isSpinning = false))
    for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setTimeout(resolve, 1))
    expect(isSpinning).toBe(true)
    tests.file('counted', '')
    expect(await spun).toBe('spun')
  })

  test('answers what was asked before it closes', async () => {
    const model = await load(archive)
    const spun = model.predict(`spin until ${tests.folder}/closing`)
    const next = model.predict('x')
    const closed = model.close()
    tests.file('closing', '')
    expect(await Promise.all([spun, next])).toEqual(['spun', 'seen x'])
    await closed
  })

  test('stops waiting when its caller does', async () => {
    await using model = await load(archive, { workers: 2 })
    const caller = new AbortController()
    const never = model.predict('never', { signal: caller.signal })
    caller.abort(new Error('enough'))
    await expect(never).rejects.toThrow('enough')
    await expect(model.predict('x', { signal: caller.signal })).rejects.toThrow('enough')
    expect(await model.predict('x')).toBe('seen x')
  })
})

test('a project folder is loaded as it is, in TypeScript and in Python', async () => {
  const typescript = tests.project('typed', {
    'handler.ts':
      'export default { inference: (jobs: readonly unknown[]) => jobs.map((): string => "typed") }',
  })
  const python = tests.project('snake', {
    'handler.py': 'def handle(data, context):\n    return ["snake"] * len(data) if data else None\n',
  })
  await using one = await load(new URL(`file://${typescript}/`))
  await using other = await load(python)
  expect([await one.predict('x'), await other.predict('x')]).toEqual(['typed', 'snake'])
})

test('what cannot be loaded says why, and leaves nothing behind', async () => {
  const broken = tests.project('broken', { 'handler.ts': 'export default { inference: ( }' })
  const failing = tests.project('failing', {
    'handler.ts':
      'export default {\n  initialize() { throw new Error("no weights") },\n  inference: () => [],\n}',
  })
  expect(await load(join(tests.folder, 'nothing.mar')).catch(codeOf)).toBe('model-not-found')
  await expect(load(broken)).rejects.toThrow(/broken\/handler\.ts:1:31: Unexpected "}"/)
  await expect(load(failing)).rejects.toThrow(
    /no weights \(.*failing\/handler\.ts, line 2, in Object\.initialize\)/,
  )
  const aborted = AbortSignal.abort(new Error('too late'))
  await expect(load(archive, { signal: aborted })).rejects.toThrow('too late')
  expect(leftovers()).toEqual([])
})

describe('marina run', () => {
  const run = async (words: string[], stdin = '') => {
    const program = tests.run(['run', ...words], { stdin })
    const code = await program.exited
    return { code, stdout: program.stdout, stderr: program.stderr }
  }

  test('prints one answer of a file', async () => {
    const input = tests.file('hello.txt', 'hello')
    expect(await run([archive, input])).toEqual({ code: 0, stdout: 'seen hello\n', stderr: '' })
  })

  test('reads stdin, and prints JSON when asked', async () => {
    const { code, stdout } = await run(
      [archive, '-', '--json', '--explain', '--content-type', 'image/png'],
      'pid',
    )
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      status: 200,
      answer: { type: 'image/png', operation: 'explain' },
    })
    expect(JSON.parse((await run([archive, '-', '--json'], 'bytes')).stdout)).toMatchObject({
      base64: 'iVA=',
    })
  })

  test('exits with 1 when the handler fails, saying where', async () => {
    const thrown = await run([archive, '-'], 'throw')
    expect(thrown).toMatchObject({ code: 1, stdout: '' })
    expect(thrown.stderr).toContain('error: TypeError: not today (handler.js:11)')
    const refused = await run([archive, '-'], 'refuse')
    expect(refused).toMatchObject({ code: 1, stderr: 'error: The handler answered 422: no digit on it\n' })
    const told = await run([archive, '-', '--json'], 'refuse')
    expect(told.code).toBe(1)
    expect(JSON.parse(told.stdout)).toMatchObject({ status: 422, error: 'no digit on it' })
  })

  test('names an input and an archive that are not there', async () => {
    const missing = await run([archive, 'missing.png'])
    expect(missing.code).toBe(1)
    expect(missing.stderr).toMatch(/^error: missing\.png: cannot be read: ENOENT/)
    expect((await run(['missing.mar', '-'])).stderr).toMatch(/^error: Model not found at: .*missing\.mar/)
  })
})
