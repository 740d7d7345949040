/** A Python worker that a signal ends: describe and the log say which line of the handler it was, from faulthandler's stack. */
import { afterAll, expect, test } from 'vitest'
import { addressUrl } from '../src/config/config.js'
import { memoryLogger, type LogRecord } from '../src/log.js'
import { OwnServers } from './support/own-servers.js'

const servers = new OwnServers()
afterAll(() => servers.close())

const HANDLER = `import ctypes, sys
def infer(row):
    print("about to read", file=sys.stderr)
    return ctypes.string_at(0) if row["body"] == "crash" else row["body"]
def handle(data, context):
    return [infer(row) for row in data] if data else None
`

test('a crash in native code is put down to the line that called it', async () => {
  const records: LogRecord[] = []
  const models = [await servers.archive('crashes', HANDLER)]
  const server = await servers.start({ models, log: memoryLogger(records) })
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
