/** What `marina serve` prints when it is ready. */
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { memoryServing, worker, type VersionFacts } from '../../test/support/memory-serving.js'
import { defaultConfig } from '../config/load.js'
import type { RunningServer } from '../server.js'
import { readyJson, readyText, type ReadyReport } from './serve-report.js'

const address = (port: number, host = '127.0.0.1') => ({ host, port })

function reportOf(
  models: Readonly<Record<string, VersionFacts>>,
  more: Partial<ReadyReport> = {},
): ReadyReport {
  const serving = memoryServing()
  for (const [name, facts] of Object.entries(models)) serving.add(name, '1.0', facts)
  const server: RunningServer = {
    addresses: { inference: address(8080), management: address(8081), metrics: address(8082) },
    catalog: serving.catalog,
    threadPlan: { cores: 4, workers: 1, threadsPerWorker: 4 },
    workersReady: Promise.resolve([]),
    allReady: Promise.resolve(),
    stop: () => Promise.resolve(),
  }
  return { server, config: defaultConfig('marina'), seconds: 0.4567, ...more }
}

const broken: VersionFacts = {
  workers: [worker({ status: 'UNLOADING', lastFailure: { message: 'no such file', stderr: [] } })],
}

describe('for people', () => {
  test('names models, addresses, threads, and a line to try', () => {
    const text = readyText(reportOf({ digits: {} }))
    expect(text).toContain('Serving 1 model')
    expect(text).toMatch(/digits\s+1\.0 {2}1 worker ready/)
    expect(text).toMatch(/threads\s+4 cores, 1 worker, 4 threads each/)
    expect(text).toContain("curl http://127.0.0.1:8080/predictions/digits -d '{}'")
  })

  test('says why a model has no worker', () => {
    expect(readyText(reportOf({ digits: broken }))).toContain('no worker is ready: no such file')
  })

  test('without a model it says how to register one, in a line that a shell reads as one command', () => {
    const text = readyText(reportOf({}))
    const line = /^ {2}curl (.*)$/m.exec(text)?.[1] ?? ''
    const { stdout } = spawnSync('sh', ['-c', `printf '%s|' ${line}`], { encoding: 'utf8' })
    expect(stdout).toBe('-X|POST|http://127.0.0.1:8081/models?url=ARCHIVE.mar&initial_workers=1|')
  })

  test('an archive with an example is asked with it', () => {
    const examples = { requests: [{ name: 'seven', file: '7.png', contentType: 'image/png' }] }
    const text = readyText(reportOf({ digits: { examples } }))
    expect(text).toContain('curl -s http://127.0.0.1:8080/page/models/digits/1.0/examples/7.png | curl')
  })

  test('an address on all interfaces is shown as one that can be asked', () => {
    const report = reportOf({})
    const addresses = {
      ...report.server.addresses,
      inference: address(80, '0.0.0.0'),
      metrics: address(82, '::1'),
    }
    const text = readyText({ ...report, server: { ...report.server, addresses } })
    expect(text).toContain('http://localhost:80/predictions')
    expect(text).toContain('http://[::1]:82/metrics')
  })
})

test('for programs it is one line of JSON', () => {
  const text = readyJson(reportOf({ digits: {}, other: broken }))
  expect(text.endsWith('\n')).toBe(true)
  expect(JSON.parse(text)).toEqual({
    event: 'ready',
    pid: process.pid,
    seconds: 0.457,
    addresses: {
      inference: 'http://127.0.0.1:8080',
      management: 'http://127.0.0.1:8081',
      metrics: 'http://127.0.0.1:8082',
    },
    page: 'http://127.0.0.1:8080/',
    threads: { cores: 4, workers: 1, threadsPerWorker: 4 },
    models: [
      { name: 'digits', version: '1.0', ready: true, workers: 1 },
      { name: 'other', version: '1.0', ready: false, workers: 1 },
    ],
  })
})
