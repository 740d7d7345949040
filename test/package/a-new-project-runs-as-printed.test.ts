/** `marina init` with the packed tarball, and then each command that it prints, in its order. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { isRunning, untilGone } from '../support/children.js'
import { Program } from '../support/served.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'marina-init-'))
const project = join(work, 'digits')
const env = {
  ...process.env,
  npm_config_prefer_offline: 'true',
  npm_config_audit: 'false',
  XDG_CACHE_HOME: join(work, 'cache'),
}
let printed = ''

/** The printed command that begins so, without its remark. */
const line = (start: string): string => {
  const found = printed.split('\n').find((text) => text.startsWith(`  ${start}`))
  if (found === undefined) throw new Error(`${start} is not among what was printed:\n${printed}`)
  return found.trim().replace(/ {2,}.*$/, '')
}

/** Runs a line in a shell, in the project. */
const shell = (command: string) => spawnSync('bash', ['-c', command], { cwd: project, encoding: 'utf8', env })

beforeAll(() => {
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', work], { cwd: root, stdio: 'pipe' })
  const tarball = readdirSync(work).find((name) => name.endsWith('.tgz')) ?? ''
  const init = ['init', 'digits', '--marina', `file:${tarball}`]
  printed = execFileSync(process.execPath, [join(root, 'bin/marina.js'), ...init], {
    cwd: work,
    encoding: 'utf8',
  })
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

test('the project installs, checks its types, and passes its tests', () => {
  expect(line('cd ')).toBe('cd digits')
  const install = shell(line('npm install'))
  expect(install.status, install.stderr).toBe(0)
  const tested = shell(line('npm test'))
  expect(tested.status, tested.stdout + tested.stderr).toBe(0)
  expect(tested.stdout).toMatch(/pass 2\b/)
})

test('it answers without a server, and packs into an archive that answers too', () => {
  const answered = shell(line('npx marina run'))
  expect(answered.status, answered.stderr).toBe(0)
  expect(JSON.parse(answered.stdout)).toEqual({
    species: 'setosa',
    probability: expect.closeTo(1, 3) as number,
  })
  expect(shell(line('npx marina archive')).status).toBe(0)
  const packed = shell('npx marina run digits.mar examples/setosa.json')
  expect(packed.stdout).toBe(answered.stdout)
})

test('it is served, the printed request is answered, and Ctrl-C leaves nothing', async () => {
  const ports = ['inference', 'management', 'metrics'].map((role) => `--${role}-port 0`).join(' ')
  const words = ['-c', `exec ${line('npx marina dev')} ${ports}`]
  const served = new Program(spawn('bash', words, { cwd: project, env, detached: true }))
  onTestFinished(() => {
    if (isRunning(-served.pid)) process.kill(-served.pid, 'SIGKILL')
  })
  const [, address = ''] = await served.until(/predictions +http:\/\/([\d.]+:\d+)\//)
  const answer = shell(line('curl ').replace('localhost:8080', address))
  expect(JSON.parse(answer.stdout)).toMatchObject({ species: 'setosa' })
  // The whole group, as a terminal does: npx alone would end without what it has started.
  process.kill(-served.pid, 'SIGINT')
  await served.exited
  await untilGone(-served.pid)
})

test('a second project in its place is refused', () => {
  const again = shell('npx marina init .')
  expect(again.status).toBe(2)
  expect(again.stderr).toContain('is not empty')
})
