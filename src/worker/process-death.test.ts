/** The deaths of worker processes, for real: what the parent hears, with which reason, and that it hears it once. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jobOf, WorkerProgram } from '../../test/support/real-worker.js'

let program: WorkerProgram
beforeAll(async () => {
  program = await WorkerProgram.bundle()
})
afterAll(() => program.close())

const node = (script: string) => ({
  command: process.execPath,
  args: ['--input-type=module', '-e', script],
  env: process.env,
})

describe('the death of a worker', () => {
  test('while it loads is reported with what it wrote to stderr', async () => {
    const worker = program.start({ source: `console.error('no licence'); process.exit(3)` })
    expect(await worker.exit()).toEqual({ message: 'exited with code 3', code: 3, stderr: ['no licence'] })
  })

  test('by a handler that cannot be loaded comes after the reason', async () => {
    const worker = program.start({ source: 'export default {' })
    const failed = await worker.message('load-failed')
    expect(failed.message).toContain('Unexpected end of input')
    expect(await worker.exit()).toMatchObject({ code: 1, message: 'exited with code 1' })
  })

  test('while it serves comes after the jobs that had started', async () => {
    const source = `export default { inference: () => { console.error('out of ideas'); process.abort() } }`
    const worker = program.start({ source })
    await worker.message('loaded')
    worker.send([jobOf(1), jobOf(2)])
    const exit = await worker.exit()
    expect(exit).toMatchObject({ signal: 'SIGABRT', message: 'killed by SIGABRT' })
    expect(exit.stderr[0]).toBe('out of ideas')
    expect(worker.messages).toContainEqual({ kind: 'started', keys: [1, 2] })
    expect(worker.events.at(-1)?.kind).toBe('exited')
  })

  test('by an exception outside of any job carries the trace', async () => {
    const source = `export default { inference: (jobs) => { setTimeout(() => { throw new Error('late') }); return new Promise(() => {}) } }`
    const worker = program.start({ source })
    await worker.message('loaded')
    worker.send([jobOf(1)])
    const exit = await worker.exit()
    expect(exit.code).toBe(1)
    expect(exit.stderr.join('\n')).toContain('Error: late')
  })

  test('by kill -9 from outside is seen at once', async () => {
    const worker = program.start()
    await worker.message('loaded')
    process.kill(await worker.pid(), 'SIGKILL')
    expect(await worker.exit()).toEqual({ message: 'killed by SIGKILL', signal: 'SIGKILL', stderr: [] })
  })

  test.each(['while it loads', 'while it has a job'])('by SIGSTOP %s is noticed', async (when) => {
    const loads = when === 'while it loads'
    const never = 'new Promise((resolve) => setInterval(() => {}, 1000))'
    const source = `export default { initialize: () => ${loads ? never : '1'}, inference: () => ${never} }`
    const worker = program.start({ source })
    const pid = await worker.pid()
    if (!loads) {
      await worker.message('loaded')
      worker.send([jobOf(1)])
      await worker.message('started')
    }
    process.kill(pid, 'SIGSTOP')
    const why = 'the process had been stopped (state T), and would never have answered'
    expect(await worker.exit()).toMatchObject({ message: `killed by SIGKILL: ${why}` })
  })

  test('keeps the last 50 lines of stderr, cut where they are too long', async () => {
    const source = `for (let i = 0; i < 80; i++) console.error('line ' + i); console.error('x'.repeat(5000)); process.exit(1)`
    const { stderr } = await program.start({ source }).exit()
    expect(stderr).toHaveLength(50)
    expect(stderr[0]).toBe('line 31')
    expect(stderr.at(-1)).toBe('x'.repeat(2000))
  })

  test('is reported once, and nothing can be said to the dead', async () => {
    const worker = program.start({ source: 'process.exit(1)' })
    await worker.exit()
    worker.worker.kill()
    worker.stop()
    expect(worker.events.filter(({ kind }) => kind === 'exited')).toHaveLength(1)
  })

  test('does not wait for a grandchild that keeps its pipes open', async () => {
    const source = `import { spawn } from 'node:child_process'
      const child = spawn('sleep', ['60'], { stdio: 'inherit', detached: true }); console.log(child.pid)
      setTimeout(() => process.exit(4), 50)
      await new Promise(() => {})`
    const worker = program.start({ source })
    expect(await worker.exit()).toMatchObject({ code: 4 })
    const log = worker.messages.find((message) => message.kind === 'log')
    process.kill(Number(log?.message), 'SIGKILL')
  })
})

describe('a worker that does not keep the protocol is killed', () => {
  const speak = (bytes: string) => `import { writeSync } from 'node:fs'
    import { Socket } from 'node:net'
    new Socket({ fd: 3, writable: true, readable: true }).write(${bytes}); setInterval(() => {}, 1000)`
  const frame = (kind: number, header: object) => {
    const text = JSON.stringify(header).padEnd(64)
    return `(() => { const b = Buffer.alloc(80); b.writeUInt32LE(${kind}); b.writeUInt32LE(64, 4); b.write(${JSON.stringify(text)}, 16); return b })()`
  }

  test.each([
    [
      'bytes that are no frames',
      `'GET / HTTP/1.1\\r\\nHost: there\\r\\n\\r\\n'`,
      'A frame between server and worker is damaged',
    ],
    [
      'a first message that is not hello',
      frame(18, { credit: 1 }),
      'its first message was loaded, not hello',
    ],
    [
      'another version',
      frame(17, { version: 99 }),
      'it speaks version 99 of the worker protocol, the server version 1. Install the same version',
    ],
  ])('for %s', async (_, bytes, why) => {
    const exit = await program.start({ command: node(speak(bytes)) }).exit()
    expect(exit.signal).toBe('SIGKILL')
    expect(exit.message).toContain(`killed by SIGKILL: ${why}`)
  })

  test('for hanging up while it lives on', async () => {
    const script = `import { Socket } from 'node:net'; new Socket({ fd: 3 }).destroy(); setInterval(() => {}, 1000)`
    expect(await program.start({ command: node(script) }).exit()).toMatchObject({ signal: 'SIGKILL' })
  })
})
