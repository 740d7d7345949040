/** Log files as processes write them: TorchServe's files and lines, rolled files, and what is left at each kind of end. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { RollingFile } from './rolling-file.js'

const root = mkdtempSync(join(tmpdir(), 'marina-logs-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const newFolder = () => mkdtempSync(join(root, `${folders++}-`))

/** Bundled, so that other processes can run it. */
const bundled = (async () => {
  const { build } = await import('esbuild')
  const outfile = join(root, 'logs.mjs')
  await build({
    stdin: {
      contents: `export * from ${JSON.stringify(new URL('./open-logs.ts', import.meta.url).pathname)}
        export * from ${JSON.stringify(new URL('./plan.ts', import.meta.url).pathname)}`,
      resolveDir: new URL('.', import.meta.url).pathname,
    },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['sonic-boom'],
  })
  const modules = new URL('../../node_modules', import.meta.url).pathname
  const { symlinkSync } = await import('node:fs')
  symlinkSync(modules, join(root, 'node_modules'))
  return outfile
})()

const script = async (folder: string, code: string, plan = 'plan') =>
  `import { openLogs, defaultPlan, inJson } from ${JSON.stringify(await bundled)}
  const plan = defaultPlan({ logs: ${JSON.stringify(folder)}, metrics: ${JSON.stringify(folder)} })
  const { log, print, close } = openLogs(${plan}, 'debug')
  ${code}`

/** What a process that ran `code` has printed, and its files. */
async function ran(code: string, plan?: string) {
  const folder = newFolder()
  const words = ['--input-type=module', '-e', await script(folder, code, plan)]
  const { stdout, stderr, status } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  const file = (name: string) => readFileSync(join(folder, `${name}.log`), 'utf8')
  return { stdout, stderr, status, file, folder }
}

const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{3}`

describe('TorchServe’s files', () => {
  test('are there from the start, also when nothing is written', async () => {
    const { folder } = await ran('await close()')
    expect(readdirSync(folder).sort()).toEqual(
      ['access_log', 'model_log', 'model_metrics', 'ts_log', 'ts_metrics'].map((name) => `${name}.log`),
    )
  })

  test('each get their lines, and the console and ts_log.log all of them, each once', async () => {
    const { file, stdout } = await ran(`
      log.debug('Here.', { id: 'r', error: new Error('why') })
      const worker = log.child({ model: 'm', version: '1.0', worker: 9000 })
      worker.warn('Worker ended.')
      const handler = worker.child({ logger: 'MODEL_LOG' })
      handler.info('one\\ntwo', { id: 'r' })
      handler.error('from stderr')
      log.child({ logger: 'ACCESS_LOG' }).info('/127.0.0.1:1 "GET / HTTP/1.1" 200 0', { status: 200 })
      log.child({ logger: 'TS_METRICS' }).info('A.Count:1.0|#|#hostname:h,timestamp:1')
      await close()`)
    const lines = [
      'DEBUG] main org.pytorch.serve.ModelServer - Here. {"id":"r","error":"why"}',
      'WARN ] W-9000-m_1.0 org.pytorch.serve.wlm.WorkerThread - Worker ended. {"model":"m","version":"1.0","worker":9000}',
      'INFO ] W-9000-m_1.0-stdout MODEL_LOG - one',
      'INFO ] W-9000-m_1.0-stdout MODEL_LOG - two',
      'ERROR] W-9000-m_1.0-stderr MODEL_LOG - from stderr',
      'INFO ] main ACCESS_LOG - /127.0.0.1:1 "GET / HTTP/1.1" 200 0',
      'INFO ] main TS_METRICS - A.Count:1.0|#|#hostname:h,timestamp:1',
    ]
    const whole = new RegExp(`^${TIME} \\[`)
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(whole, '')),
    ).toEqual(lines)
    expect(file('ts_log')).toBe(stdout)
    expect(
      file('model_log')
        .split('\n')
        .map((line) => line.replace(whole, '')),
    ).toEqual([...lines.slice(2, 5), ''])
    expect(file('access_log')).toMatch(
      new RegExp(`^${TIME} - /127\\.0\\.0\\.1:1 "GET / HTTP/1\\.1" 200 0\\n$`),
    )
    expect(file('ts_metrics')).toMatch(
      new RegExp(`^${TIME} - A\\.Count:1\\.0\\|#\\|#hostname:h,timestamp:1\\n$`),
    )
  })

  test('names from clients move no cursor', async () => {
    const { stdout } = await ran(`log.info('Model \\u001b[2Jevil\\r loaded.'); await close()`)
    expect(stdout).toContain(String.raw`Model \x1b[2Jevil\x0d loaded.`)
  })

  test('a line of its own follows the records before it', async () => {
    const { stdout } = await ran(
      `log.info('before'); print('Model server started.'); log.info('after'); await close()`,
    )
    expect(stdout).toMatch(/ - before\nModel server started\.\n.* - after\n$/)
  })

  test('in JSON a record has time, level, logger, thread, message and its fields', async () => {
    const { file } = await ran(
      `log.child({ logger: 'MODEL_LOG', model: 'm', version: '1', worker: 9000 }).info('x', { id: 'r' }); await close()`,
      'inJson(plan)',
    )
    expect(JSON.parse(file('model_log'))).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      logger: 'MODEL_LOG',
      thread: 'W-9000-m_1-stdout',
      model: 'm',
      version: '1',
      worker: 9000,
      id: 'r',
      message: 'x',
    })
  })

  test('a model may be louder or quieter than the server', async () => {
    const { stdout } = await ran(`
      log.child({ logger: 'MODEL_LOG' }, { level: 'warn' }).info('quiet')
      log.child({ model: 'a' }, { level: 'error' }).child({ logger: 'MODEL_LOG' }).warn('quiet')
      log.child({ logger: 'MODEL_LOG' }, { level: 'debug' }).debug('loud')
      await close()`)
    expect(stdout).toMatch(/^.* - loud\n$/)
  })
})

describe('no line is lost', () => {
  const many = `for (let i = 0; i < 50_000; i++) log.info('line ' + i)`
  const counted = (text: string) => text.match(/ - line \d+$/gm)?.length

  test('when the logs are closed', async () => {
    const { file, stdout } = await ran(`${many}; await close()`)
    expect([counted(file('ts_log')), counted(stdout)]).toEqual([50_000, 50_000])
  })

  test('when the process exits in the middle', async () => {
    const { file, status } = await ran(`${many}; process.exit(3)`)
    expect([counted(file('ts_log')), status]).toEqual([50_000, 3])
  })

  test('when it crashes, and the crash is logged with its trace', async () => {
    const { file, status } = await ran(`${many}; throw new Error('boom')`)
    expect([counted(file('ts_log')), status]).toEqual([50_000, 1])
    expect(file('ts_log')).toMatch(/The server crashed: Error: boom\n {4}at /)
  })

  test('and a console that nobody reads any more does not end the server', async () => {
    const folder = newFolder()
    const words = [
      '--input-type=module',
      '-e',
      await script(folder, `${many}; await close(); process.exit(7)`),
    ]
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    child.stdout.destroy()
    expect(await once(child, 'exit')).toEqual([7, null])
    expect(counted(readFileSync(join(folder, 'ts_log.log'), 'utf8'))).toBe(50_000)
  })

  test('a folder that cannot be written is said, and the console goes on', () => {
    const file = join(newFolder(), 'file')
    writeFileSync(file, '')
    return ran(
      `log.info('still here'); await close()`,
      `defaultPlan({ logs: ${JSON.stringify(`${file}/x`)}, metrics: 'm' })`,
    ).then(({ stdout, stderr }) => {
      expect(stdout).toMatch(/ - still here\n$/)
      expect(stderr).toMatch(/Nothing is logged by the appender ts_log: .*ENOTDIR/)
    })
  })
})

describe('a file is rolled', () => {
  const open = (folder: string, more: { maxBytes?: number; now?: () => number; keep?: number }) => {
    const errors: string[] = []
    const path = join(folder, 'a.log')
    const pattern = join(folder, 'a.%d{dd-MMM}.log.gz')
    const { maxBytes, now = Date.now, keep = 5 } = more
    const file = new RollingFile({
      path,
      roll: { pattern, maxBytes, byTime: true, keep },
      onError: (error) => errors.push(error),
      now,
    })
    return { file, path, errors }
  }
  const unzipped = (folder: string, name: string) => gunzipSync(readFileSync(join(folder, name))).toString()

  test('at its size, once for each time it is full, and every line is in one of the files', async () => {
    const folder = newFolder()
    const { file, path, errors } = open(folder, { maxBytes: 20, now: () => new Date(2026, 10, 25).getTime() })
    for (let i = 0; i < 7; i++) file.write(`line ${i}..\n`)
    await file.close()
    expect(errors).toEqual([])
    expect(readdirSync(folder).sort()).toEqual(['a.25-Nov.1.log.gz', 'a.25-Nov.log.gz', 'a.log'])
    expect(unzipped(folder, 'a.25-Nov.log.gz')).toBe('line 0..\nline 1..\nline 2..\n')
    expect(unzipped(folder, 'a.25-Nov.1.log.gz')).toBe('line 3..\nline 4..\nline 5..\n')
    expect(readFileSync(path, 'utf8')).toBe('line 6..\n')
  })

  test('with a new day, under the day that it was written on', async () => {
    const folder = newFolder()
    let now = new Date(2026, 10, 30, 23, 59).getTime()
    const { file, path } = open(folder, { now: () => now })
    file.write('old\n')
    now += 120_000
    file.write('new\n')
    await file.close()
    expect(unzipped(folder, 'a.30-Nov.log.gz')).toBe('old\n')
    expect(readFileSync(path, 'utf8')).toBe('new\n')
  })

  test('at its first line when it is of another day, and goes on where it is of the same', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'a.log'), 'yesterday\n')
    const day = new Date(2026, 10, 24)
    utimesSync(join(folder, 'a.log'), day, day)
    const now = () => new Date(2026, 10, 25).getTime()
    const first = open(folder, { now })
    first.file.write('one\n')
    await first.file.close()
    utimesSync(join(folder, 'a.log'), now() / 1000, now() / 1000)
    const second = open(folder, { now })
    second.file.write('two\n')
    await second.file.close()
    expect(unzipped(folder, 'a.24-Nov.log.gz')).toBe('yesterday\n')
    expect(readFileSync(join(folder, 'a.log'), 'utf8')).toBe('one\ntwo\n')
  })

  test('and only the newest are kept', async () => {
    const folder = newFolder()
    const { file } = open(folder, { maxBytes: 1, keep: 2, now: () => new Date(2026, 10, 25).getTime() })
    for (let i = 0; i < 6; i++) file.write(`${i}\n`)
    await file.close()
    const rolled = readdirSync(folder).filter((name) => name.endsWith('.gz'))
    expect(rolled).toHaveLength(2)
    expect(statSync(join(folder, 'a.log')).size).toBe(2)
  })
})
