/** What a server with a Python model logs: by default, in JSON, and by a log4j2.xml. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { freePorts } from '../original.js'
import { startOurs } from '../ours.js'
import { exchange } from '../wire.js'

const here = new URL('./', import.meta.url).pathname
const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'marina-logged-'))
  folders.push(folder)
  return folder
}

/** Serves one prediction, stops, and gives what is in the log folder and on stdout. */
async function served({
  config = [],
  flags = [],
}: {
  config?: readonly string[]
  flags?: readonly string[]
}) {
  const logs = await newFolder()
  const modelStore = await newFolder()
  await cp(join(here, 'store'), modelStore, { recursive: true })
  const ports = await freePorts(false)
  const enabled = config.includes('enable_metrics_api=false') ? { ...ports, metrics: ports.inference } : ports
  const server = await startOurs({
    config: config.map((line) => line.replace('{metrics}', String(ports.metrics))),
    flags: ['--disable-token-auth', '--enable-model-api', ...flags],
    env: { LOG_LOCATION: logs, METRICS_LOCATION: join(logs, 'measured') },
    modelStore,
    ports: enabled,
  })
  const ask = (port: number, line: string) =>
    exchange(port, Buffer.from(`${line} HTTP/1.1\r\nHost: localhost\r\nX-Do: counter\r\n\r\n`))
  try {
    await ask(ports.management, 'POST /models?url=gauge.mar&initial_workers=1&synchronous=true')
    await ask(ports.inference, 'POST /predictions/gauge')
    await ask(ports.management, 'DELETE /models/gauge')
  } finally {
    await server.stop()
  }
  const files = (await readdir(logs, { recursive: true })).filter((name) => name.endsWith('.log'))
  const texts = await Promise.all(files.map(async (name) => [name, await readFile(join(logs, name), 'utf8')]))
  return { files: Object.fromEntries(texts) as Record<string, string>, output: server.output() }
}

test('the lines that people grep are there, in TorchServe’s words and files', async () => {
  const { files, output } = await served({})
  for (const words of [
    /\[INFO \] main org\.pytorch\.serve\.ModelServer - Inference API bind to: http:\/\/127\.0\.0\.1:\d+$/m,
    /^Model server started\.$/m,
    / - Model gauge loaded\.$/m,
    / MODEL_LOG - \[PID\]\d+$/m,
    / MODEL_LOG - Torch worker started\.$/m,
    /\[DEBUG\] W-9000-gauge_1\.0 .* - W-9000-gauge_1\.0 State change WORKER_STARTED -> WORKER_MODEL_LOADED/,
    /ACCESS_LOG - \/127\.0\.0\.1:\d+ "POST \/predictions\/gauge HTTP\/1\.1" 200 \d+$/m,
    / TS_METRICS - Requests2XX\.Count:1\.0\|#Level:Host\|#hostname:/,
    / MODEL_METRICS - PredictionTime\.ms:/,
    / - Model gauge unregistered\.$/m,
    / - Torchserve stopped\.$/m,
  ])
    expect(output).toMatch(words)
  expect(Object.keys(files).sort()).toEqual([
    'access_log.log',
    'measured/model_metrics.log',
    'measured/ts_metrics.log',
    'model_log.log',
    'ts_log.log',
  ])
  expect(files['ts_log.log']).toContain('Torchserve stopped.')
})

test('in JSON every line is a record, and an answer has its request id', async () => {
  const { files } = await served({ flags: ['--log-format', 'json'] })
  const records = Object.values(files).flatMap((text) => text.trimEnd().split('\n').filter(Boolean))
  for (const line of records) expect(JSON.parse(line)).toHaveProperty('message')
  const access = (files['access_log.log'] ?? '')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
  expect(access).toContainEqual(
    expect.objectContaining({
      target: '/predictions/gauge',
      status: 200,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    }),
  )
})

test('settings of metrics that are wrong cost the metrics alone, and are told', async () => {
  const { files, output } = await served({ config: ['metrics_mode=foo', 'metrics_config=none.yaml'] })
  expect(output).toMatch(/\[(WARN |ERROR)\] .*metrics_mode/)
  expect(output).toMatch(/\[ERROR\] .* - Failed to load metrics configuration: .*none\.yaml/)
  expect(files['access_log.log']).toMatch(/"POST \/predictions\/gauge HTTP\/1\.1" 200 \d+$/m)
  expect([files['measured/ts_metrics.log'], files['measured/model_metrics.log']]).toEqual(['', ''])
})

test('a log4j2.xml decides instead of all that, and without a metrics port nothing listens there', async () => {
  const folder = await newFolder()
  const xml = join(folder, 'log4j2.xml')
  await writeFile(
    xml,
    `<Configuration><Appenders>
      <File name="F" fileName="\${env:LOG_LOCATION}/mine.log"><PatternLayout pattern="%p %c{1} %m%n"/></File>
      <Socket name="S"/></Appenders>
    <Loggers><Logger name="ACCESS_LOG" level="off"/><Root level="info"><AppenderRef ref="F"/></Root></Loggers>
    </Configuration>`,
  )
  const { files } = await served({
    flags: ['--log-config', xml],
    config: ['enable_metrics_api=false', 'metrics_mode=prometheus'],
  })
  expect(Object.keys(files)).toEqual(['mine.log'])
  const mine = files['mine.log'] ?? ''
  expect(mine).toMatch(/^INFO ModelServer Inference API bind to: /m)
  expect(mine).toMatch(/^WARN ModelServer .*log4j2\.xml:3: <Socket> is no appender/m)
  expect(mine).not.toMatch(/ACCESS_LOG|Metrics API bind/)
})
