/** What other users of the machine can reach of a server, and what a server does without the rights it would need. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fileURLToPath } from 'node:url'
import { Program, ServerTests, type Served } from '../support/served.js'
import { asNobody, unprivileged } from '../support/unprivileged.js'

const isRoot = process.getuid?.() === 0
const tests = new ServerTests()
let served: Served
beforeAll(async () => {
  const handler = `export default {
    inference: (rows, state, jobs) => jobs.map(() => Object.keys(process.env).filter((name) => /MARINA_TEST/.test(name)).join(' ')),
  }`
  chmodSync(tests.folder, 0o755)
  const config = tests.file('config.properties', 'blacklist_env_vars=MARINA_TEST_SECRET.*')
  served = await tests.serve([await tests.archive('env', handler), '--ts-config', config], {
    env: { MARINA_TEST_SECRET_1: 'hidden', MARINA_TEST_OTHER: 'shown' },
  })
})
afterAll(() => tests.close())

const nobody = (...words: string[]) => {
  const [command = '', ...prefix] = asNobody()
  return spawnSync(command, [...prefix, ...words], { encoding: 'utf8' })
}

describe('the channel to a worker', () => {
  const socketsOf = (pid: number) =>
    readdirSync(`/proc/${pid}/fd`)
      .map((fd) => {
        try {
          return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]
        } catch {
          return undefined // closed meanwhile
        }
      })
      .filter((inode) => inode !== undefined)

  test('has no name in the file system and nobody listens, so that nobody can connect to it', async () => {
    const [worker] = (await served.describe('env')).workers
    const own = new Set([served.pid, worker?.pid ?? -1].flatMap(socketsOf))
    expect(own.size).toBeGreaterThan(1)
    // Columns of unix(7): Num RefCount Protocol Flags Type St Inode Path; flag 10000 listens.
    const unix = readFileSync('/proc/net/unix', 'utf8').split('\n').slice(1)
    const theirs = unix
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , , , , inode]) => own.has(inode ?? ''))
    expect(theirs.length).toBeGreaterThan(0)
    for (const [, , , flags, , , , path] of theirs) expect([flags, path]).toEqual(['00000000', undefined])
    const tcp = ['tcp', 'tcp6'].flatMap((table) =>
      readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1),
    )
    const ofWorker = new Set(socketsOf(worker?.pid ?? -1))
    expect(tcp.filter((line) => ofWorker.has(line.trim().split(/\s+/)[9] ?? ''))).toEqual([])
  })

  test('has a worker behind it that does not see the variables of the server that are hidden', async () => {
    const response = await fetch(`${served.inference}/predictions/env`, { method: 'POST', body: 'x' })
    expect(await response.text()).toBe('MARINA_TEST_OTHER')
  })
})

test('what a server unpacks is for its owner alone', () => {
  const generations = join(tests.folder, 'cache/marina/generations')
  expect(statSync(generations).mode & 0o777).toBe(0o700)
  expect(statSync(join(tests.folder, 'cache/marina')).mode & 0o077).toBe(0)
  if (isRoot) expect(nobody('ls', generations).stderr).toContain('Permission denied')
})

test('a server listens on loopback alone unless it is told otherwise, in IPv4 and IPv6', () => {
  const inodes = new Set(
    readdirSync(`/proc/${served.pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${served.pid}/fd/${fd}`))?.[1]
      } catch {
        return undefined
      }
    }),
  )
  const listening = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && inodes.has(inode)),
  )
  expect(listening.map(([, address]) => address?.split(':')[0])).toEqual(['0100007F', '0100007F', '0100007F'])
})

describe('the keys of torchserve', () => {
  const bin = fileURLToPath(new URL('../../bin/torchserve.js', import.meta.url))
  const CONFIG = ['inference', 'management', 'metrics']
    .map((role) => `${role}_address=http://127.0.0.1:0`)
    .join('\n')

  /** Starts in `cwd`, without the powers of root. */
  function start(cwd: string, ...words: string[]): Program {
    const config = tests.file('ports.properties', CONFIG)
    const store = join(tests.folder, 'store')
    mkdirSync(store, { recursive: true })
    const command = [
      ...unprivileged(),
      process.execPath,
      bin,
      '--foreground',
      '--ncs',
      '--model-store',
      store,
    ]
    const [program = '', ...rest] = [...command, '--ts-config', config, ...words]
    const temp = join(tests.folder, 'temp')
    mkdirSync(temp, { recursive: true })
    chmodSync(temp, 0o1777)
    const env = { ...process.env, TMPDIR: temp, HOME: temp, XDG_CACHE_HOME: join(temp, 'cache') }
    return tests.watch(new Program(spawn(program, rest, { cwd, env })))
  }

  const folderOf = (name: string, mode: number) => {
    const folder = join(tests.folder, name)
    mkdirSync(folder)
    chmodSync(folder, mode)
    return folder
  }

  test('cannot be written in a folder that is read-only: the start ends, and says what to do', async () => {
    const program = start(folderOf('read-only', 0o555))
    expect(await program.exited).toBe(1)
    const folder = join(tests.folder, 'read-only')
    expect(program.stdout).toContain(
      `Token Authorization setup unsuccessful: ${folder}/key_file.json cannot be written`,
    )
    expect(program.stdout).toContain('--disable-token-auth')
    expect(readdirSync(folder)).toEqual([])
  })

  test('are not missed there when nobody is asked for them', async () => {
    const program = start(folderOf('read-only-open', 0o555), '--disable-token-auth')
    await program.until(/Model server started\./)
    program.child.kill('SIGTERM')
    expect(await program.exited).toBe(0)
  })

  test.runIf(isRoot)('can be read by the owner of the server alone', async () => {
    const folder = folderOf('shared', 0o777)
    const program = start(folder)
    await program.until(/Model server started\./)
    const file = join(folder, 'key_file.json')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const stranger = spawnSync('setpriv', ['--reuid=12345', '--regid=12345', '--clear-groups', 'cat', file])
    expect(stranger.stderr.toString()).toContain('Permission denied')
    program.child.kill('SIGTERM')
    expect(await program.exited).toBe(0)
  })
})
