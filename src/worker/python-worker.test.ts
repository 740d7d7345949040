/** Python workers, for real: how they take jobs, what they say meanwhile, and how they end. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { afterAll, describe, expect, test } from 'vitest'
import { PythonWorkers } from '../../test/support/python-worker.js'
import { jobOf, type TestWorker } from '../../test/support/real-worker.js'
import { createUpDecoder, encodeDown } from '../protocol/codec.js'
import { PROTOCOL_VERSION, type DownMessage, type UpMessage } from '../protocol/messages.js'
import { pythonWorkerCommand } from './python-command.js'

const workers = new PythonWorkers()
afterAll(() => workers.close())

/** Waits in the handler for a file of the model's folder, so that a test says how long a batch takes. */
const WAITS = `
import os, time
def handle(data, context):
    if data is None: return
    open("entered", "w").close()
    while not os.path.exists("go"): time.sleep(0.005)
    return [",".join(context.request_ids.values())] * len(data)
`

/** A copy of the process goes on loading, and the original waits for its end. */
const FORKS_AT_LOAD = `
import os
copy = os.fork()
ended = os.waitpid(copy, 0)[1] if copy else None
def handle(data, context): return data and [f"loaded beside a copy that ended with {ended}"]
`

/** A second process of a worker's model, on a socket that is the test's to write to; it has been given job 1. */
function connected({ spec }: TestWorker) {
  const { command, args, env } = pythonWorkerCommand(spec, {
    executable: 'python3',
    environment: process.env,
    decodeInput: true,
    allowPickles: true,
  })
  const child = spawn(command, args, {
    env,
    cwd: spec.load.modelDir,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const socket = child.stdio[3] as Socket
  const messages: UpMessage[] = []
  const decode = createUpDecoder((message) => messages.push(message))
  socket.on('data', (bytes: Buffer) => decode(bytes))
  socket.write(bytesOf({ kind: 'hello', version: PROTOCOL_VERSION }, { kind: 'load', ...spec.load }))
  socket.write(bytesOf({ kind: 'jobs', start: false, jobs: [jobOf(1)] }))
  const heard = async (kind: UpMessage['kind'], times = 1) => {
    while (messages.filter((message) => message.kind === kind).length < times) await once(socket, 'data')
  }
  return { child, socket, heard }
}

const bytesOf = (...messages: DownMessage[]) => Buffer.concat(messages.flatMap(encodeDown))

const proceed = (worker: TestWorker) => writeFile(`${worker.modelDir}/go`, '')

describe('a Python worker', () => {
  test('is spawned, loads, answers and ends, and says so in this order', async () => {
    const worker = workers.start()
    expect((await worker.message('loaded')).credit).toBe(8)
    worker.send([jobOf(1, 'hello')], true)
    expect(await worker.answer(1)).toBe('200 hello')
    worker.stop()
    expect(await worker.exit()).toEqual({ message: 'exited with code 0', code: 0, stderr: [] })
    const kinds = worker.events.map((event) => (event.kind === 'message' ? event.message.kind : event.kind))
    // A quick batch is followed by more credit.
    expect(kinds.filter((kind) => kind !== 'credit')).toEqual(['spawned', 'loaded', 'result', 'exited'])
  })

  test('forms each batch when it is free, from what has arrived', async () => {
    const worker = await workers.ready({ source: WAITS })
    worker.send([jobOf(1)])
    await worker.message('started')
    worker.send([jobOf(2), jobOf(3)])
    worker.send([jobOf(4), jobOf(5), jobOf(6)])
    await proceed(worker)
    expect(await worker.answer(1)).toBe('200 request-1')
    expect(await worker.answer(2)).toBe('200 request-2,request-3,request-4,request-5')
    expect(await worker.answer(6)).toBe('200 request-6')
    expect(worker.messages.flatMap((message) => (message.kind === 'started' ? [message.keys] : []))).toEqual([
      [1],
      [2, 3, 4, 5],
      [6],
    ])
    expect((await worker.result(2)).timing.batch).toBe(4)
  })

  test('hands jobs back while its handler is at work', async () => {
    const worker = await workers.ready({ source: WAITS })
    worker.send([jobOf(1)])
    await worker.message('started')
    worker.send([jobOf(2), jobOf(3)])
    worker.cancel(1, 2)
    expect(await worker.message('cancelled')).toEqual({ kind: 'cancelled', keys: [2] })
    await proceed(worker)
    expect(await worker.answer(3)).toBe('200 request-3')
    expect(worker.messages.some((message) => message.kind === 'result' && message.key === 2)).toBe(false)
  })

  test('reads a large body while its handler is at work', async () => {
    const worker = await workers.ready({ source: WAITS })
    worker.send([jobOf(1)])
    await worker.message('started')
    worker.send([jobOf(2, Buffer.alloc(20_000_000, 7))])
    worker.cancel(2)
    expect(await worker.message('cancelled')).toEqual({ kind: 'cancelled', keys: [2] })
    await proceed(worker)
    await worker.result(1)
  })

  test('answers when a long batch is done, though only half of the next frame has come', async () => {
    const worker = await workers.ready({ source: WAITS })
    const { child, socket, heard } = connected(worker)
    await heard('started')
    const next = bytesOf({ kind: 'jobs', start: false, jobs: [jobOf(3)] })
    const ahead = bytesOf(
      { kind: 'jobs', start: false, jobs: [jobOf(2)] },
      // Its answer shows that the second thread reads.
      { kind: 'cancel', keys: [jobOf(2).key] },
    )
    socket.write(Buffer.concat([ahead, next.subarray(0, 24)]))
    await heard('cancelled')
    await proceed(worker)
    await heard('result')
    socket.write(next.subarray(24))
    await heard('result', 2)
    socket.destroy()
    await once(child, 'close')
  })

  test('gives back large bodies as they came, several in one frame', async () => {
    const worker = await workers.ready()
    const bodies = [3_000_001, 0, 70_000, 131_071].map((size, at) => Buffer.alloc(size, at + 1))
    worker.send(bodies.map((data, at) => jobOf(at + 1, data)))
    for (const [at, data] of bodies.entries()) {
      const outcome = await worker.outcome(at + 1)
      expect(outcome.kind === 'ok' && outcome.body.kind === 'inline' && data.equals(outcome.body.data)).toBe(
        true,
      )
    }
  })

  test('runs a describe alone', async () => {
    const source = 'def handle(data, context): return data and [f"{len(data)} {row}" for row in data]'
    const worker = await workers.ready({ source })
    const input = { kind: 'parts', parts: [] } as const
    worker.send([jobOf(1), jobOf(2, '', { operation: 'describe', input }), jobOf(3)])
    expect(await worker.answer(2)).toBe('200 1 {}')
  })

  test('finishes what it has started when it is told to stop, and hands back the rest', async () => {
    const worker = await workers.ready({ source: WAITS, load: { batchSize: 1 } })
    worker.send([jobOf(1), jobOf(2)])
    await worker.message('started')
    worker.stop()
    expect(await worker.message('cancelled')).toEqual({ kind: 'cancelled', keys: [2] })
    await proceed(worker)
    expect(await worker.answer(1)).toBe('200 request-1')
    expect(await worker.exit()).toMatchObject({ code: 0 })
  })
})

describe('what a Python handler says', () => {
  const source = `
import logging, os, subprocess, sys
logging.basicConfig(level=logging.DEBUG, format="never used %(message)s")
def handle(data, context):
    if data is None:
        logging.getLogger("mine").warning("loading %s", context.model_name)
        return
    print("printed")
    logging.info("informed")
    logging.debug("not shown")
    try:
        1 / 0
    except ZeroDivisionError:
        logging.exception("caught")
    print("told", file=sys.stderr)
    os.write(1, b"written to 1\\n")
    os.write(2, b"written to 2\\n")
    subprocess.run(["sh", "-c", "echo from a child"])
    return ["ok"] * len(data)
`

  test('is logged with its level and the id of the request, and never gets between frames', async () => {
    const worker = await workers.ready({ source })
    worker.send([jobOf(1)], true)
    expect(await worker.answer(1)).toBe('200 ok')
    worker.send([jobOf(2), jobOf(3)], true)
    expect(await worker.answer(3)).toBe('200 ok')
    worker.stop()
    const { stderr } = await worker.exit()
    const lines = worker.logs
    expect(lines).toContain('warn - loading m')
    expect(lines).toContain('info request-1 informed')
    expect(lines).toContain('info - informed')
    expect(lines.filter((line) => line === 'info - printed')).toHaveLength(2)
    expect(lines).toContain('info - written to 1')
    expect(lines).toContain('info - from a child')
    expect(lines.find((line) => line.startsWith('error request-1 caught'))).toContain('ZeroDivisionError')
    expect(lines.join()).not.toContain('not shown')
    expect(stderr).toEqual(['told', 'written to 2', 'told', 'written to 2'])
  })

  test('as metrics arrives with the labels of the model and the ids of the requests', async () => {
    const metrics = `
import logging, sys
from ts.metrics.dimension import Dimension
from ts.metrics.metric_type_enum import MetricTypes
def handle(data, context):
    m = context.metrics
    if data is None:
        m.add_counter("Loads", 1)
        return
    m.add_time("Step", 1.5, None, "ms", [Dimension("Method", "pre")])
    m.add_size("Size", 2, 0, "kB")
    m.add_percent("Share", 50, metric_type=MetricTypes.HISTOGRAM)
    m.add_counter("Seen", -1)
    m.add_metric("Broken", float("nan"), "count")
    print("[METRICS]Old.Milliseconds:3e-1|#Level:Model,broken|#type:GAUGE|#hostname:h,17,a,b")
    print("[METRICS]Loud.Count:1|#|#type:COUNTER|#hostname:h,17", file=sys.stderr)
    print("[METRICS]nonsense")
    return ["ok"] * len(data)
`
    const worker = await workers.ready({ source: metrics })
    worker.send([jobOf(1), jobOf(2)], true)
    await worker.result(2)
    worker.stop()
    const { stderr } = await worker.exit()
    const own = { ModelName: 'm', Level: 'Model' }
    const printed = ({ name }: { name: string }) => ['Old', 'Loud'].includes(name)
    const said = worker.messages.filter((message) => message.kind === 'metric' && !printed(message))
    expect(said).toEqual([
      {
        kind: 'metric',
        name: 'Loads',
        type: 'counter',
        value: 1,
        unit: 'Count',
        labels: own,
        id: expect.any(String) as string,
      },
      {
        kind: 'metric',
        name: 'Step',
        type: 'gauge',
        value: 1.5,
        unit: 'Milliseconds',
        labels: { Method: 'pre', ...own },
        id: 'request-1,request-2',
      },
      {
        kind: 'metric',
        name: 'Size',
        type: 'gauge',
        value: 2,
        unit: 'Kilobytes',
        labels: own,
        id: 'request-1',
      },
      {
        kind: 'metric',
        name: 'Share',
        type: 'histogram',
        value: 50,
        unit: 'Percent',
        labels: own,
        id: 'request-1,request-2',
      },
    ])
    // Printed, on stdout or stderr, so they came another way, at another time; they are no lines of the log.
    expect(worker.messages).toContainEqual(
      expect.objectContaining({ kind: 'metric', name: 'Loud', type: 'counter', value: 1 }),
    )
    expect(worker.messages).toContainEqual({
      kind: 'metric',
      name: 'Old',
      type: 'gauge',
      value: 0.3,
      unit: 'Milliseconds',
      labels: { Level: 'Model' },
      host: 'h',
      id: 'a,b',
    })
    const lines = worker.logs.join('\n')
    expect(lines).toContain('[METRICS]Failed to update metric with name:Seen')
    expect(lines).toContain('[METRICS]Failed to update metric with name:Broken')
    expect(lines).toContain('error - Failed to parse metrics line: "[METRICS]nonsense".')
    expect(lines + stderr.join()).not.toMatch(/Old\.|Loud\./)
  })
})

test('a metric of a Python handler’s own thread arrives while no batch runs', async () => {
  const source = `
import os, threading, time
def late(context):
    while not os.path.exists("go"): time.sleep(0.005)
    context.metrics.add_counter("Late", 1)
def handle(data, context):
    if data: return ["ok"]
    threading.Thread(target=late, args=(context,), daemon=True).start()
`
  const worker = await workers.ready({ source })
  worker.send([jobOf(1)], true)
  await worker.result(1)
  await proceed(worker)
  expect(await worker.message('metric')).toMatchObject({ name: 'Late', value: 1 })
})

describe('a Python worker ends', () => {
  test('when its handler exits, with that code', async () => {
    const worker = await workers.ready({
      source: 'import sys\ndef handle(data, context): data is None or sys.exit(7)',
    })
    worker.send([jobOf(1)], true)
    expect(await worker.exit()).toMatchObject({ code: 7, message: 'exited with code 7' })
  })

  test('when its handler crashes, with the Python line that did it', async () => {
    const source = `
import ctypes
def handle(data, context):
    if data is not None:
        ctypes.string_at(0)
`
    const worker = await workers.ready({ source })
    worker.send([jobOf(1)], true)
    const exit = await worker.exit()
    expect(exit.message).toBe('killed by SIGSEGV')
    expect(exit.stderr.join('\n')).toContain('Fatal Python error: Segmentation fault')
    expect(exit.stderr.join('\n')).toMatch(/handler\.py", line 5 in handle/)
  })

  test('with the server, even while its handler hangs', async () => {
    const { child, socket, heard } = connected(
      await workers.ready({
        source: 'import time\ndef handle(data, context): data is None or time.sleep(600)',
      }),
    )
    await heard('started')
    socket.destroy()
    expect(await once(child, 'close')).toEqual([0, null])
  })

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'not by %s, which is the server’s to act on',
    async (signal) => {
      const worker = await workers.ready({ source: WAITS })
      worker.send([jobOf(1)])
      await worker.message('started')
      process.kill(await worker.pid(), signal)
      await proceed(worker)
      expect(await worker.answer(1)).toBe('200 request-1')
    },
  )

  test('not in the processes that its handler spawns, which import its modules as they should', async () => {
    const source = `
import json, multiprocessing, helper
def handle(data, context):
    if data is None: return
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        return [pool.map(helper.double, [1, 2, 3])]
`
    const files = { 'helper.py': 'def double(value): return 2 * value' }
    const worker = workers.start({ source, files })
    await worker.message('loaded')
    worker.send([jobOf(1)], true)
    expect(JSON.parse((await worker.answer(1)).slice(4))).toEqual([2, 4, 6])
    worker.send([jobOf(2)], true)
    expect(JSON.parse((await worker.answer(2)).slice(4))).toEqual([2, 4, 6])
  })

  test('in the process that its handler forked, without a word to the server', async () => {
    const source = `
import os, logging
def handle(data, context):
    if data is None: return
    pid = os.fork()
    if pid == 0:
        logging.info("from the copy")
        return ["copy"]
    os.waitpid(pid, 0)
    return ["original"]
`
    const worker = await workers.ready({ source })
    worker.send([jobOf(1)], true)
    expect(await worker.answer(1)).toBe('200 original')
    worker.send([jobOf(2)], true)
    expect(await worker.answer(2)).toBe('200 original')
    expect(worker.messages.filter(({ kind }) => kind === 'result')).toHaveLength(2)
  })

  test('in such a copy of a batch during which the second thread reads, too', async () => {
    const forks = WAITS.replace(
      'return [',
      `copy = os.fork()\n    if copy: os.waitpid(copy, 0)\n    return [`,
    )
    const worker = await workers.ready({ source: forks })
    worker.send([jobOf(1)])
    await worker.message('started')
    worker.send([jobOf(2)])
    worker.cancel(2)
    await worker.message('cancelled')
    await proceed(worker)
    expect(await worker.answer(1)).toBe('200 request-1')
    worker.stop()
    await worker.exit()
    expect(worker.messages.filter(({ kind }) => kind === 'result')).toHaveLength(1)
  })

  test('in a copy that loading made', async () => {
    const worker = await workers.ready({ source: FORKS_AT_LOAD })
    worker.send([jobOf(1)], true)
    expect(await worker.answer(1)).toBe('200 loaded beside a copy that ended with 0')
  })
})
