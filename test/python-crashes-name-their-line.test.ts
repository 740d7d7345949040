/** A Python worker that a signal ends: describe and the log say which line of the handler it was, from faulthandler's stack. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { pack } from '../src/archive/index.js'
import { loadConfig } from '../src/config/load.js'
import { addressUrl } from '../src/config/config.js'
import { memoryLogger, type LogRecord } from '../src/log.js'
import { startServer, type RunningServer } from '../src/server.js'

const folder = mkdtempSync(join(tmpdir(), 'marina-python-crash-'))
let server: RunningServer | undefined
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const HANDLER = `import ctypes, sys
def infer(row):
    print("about to read", file=sys.stderr)
    return ctypes.string_at(0) if row["body"] == "crash" else row["body"]
def handle(data, context):
    return [infer(row) for row in data] if data else None
`

test('a crash in native code is put down to the line that called it', async () => {
  writeFileSync(join(folder, 'handler.py'), HANDLER)
  const facts = { modelName: 'crashes', version: '1.0', handler: join(folder, 'handler.py') }
  await pack({ ...facts, exportPath: folder })
  const records: LogRecord[] = []
  const ports = ['inference', 'management', 'metrics'].map((role) => [`${role}-port`, '0'] as const)
  const config = loadConfig({
    profile: 'marina',
    flags: new Map(ports),
    environment: {},
    models: [join(folder, 'crashes.mar')],
  })
  server = await startServer(config, {
    log: memoryLogger(records),
    serverVersion: '0',
    stateDir: join(folder, 'state'),
  })
  await server.allReady
  const url = `${addressUrl(server.addresses.inference)}/predictions/crashes`
  const headers = { 'content-type': 'text/plain' }
  const crashed = await fetch(url, { method: 'POST', headers, body: 'crash' })
  expect(crashed.status).toBe(500)
  const cause = 'killed by SIGSEGV (handler.py, line 4, in infer)'
  const [worker] = server.catalog.describe('crashes', undefined)[0]?.workers ?? []
  expect(worker?.lastFailure?.message).toBe(cause)
  expect(worker?.lastFailure?.stderr).toContain('about to read')
  expect(records.some(({ message }) => message.includes(cause))).toBe(true)
  const next = await fetch(url, { method: 'POST', headers, body: 'well' })
  expect([next.status, await next.text()]).toEqual([200, 'well'])
})
