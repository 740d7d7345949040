/** Environments of models that require packages, with real pip and wheels made here; no index is asked. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import type { Logger } from '../log.js'
import { environmentOf } from './requirements.js'

const work = mkdtempSync(join(tmpdir(), 'marina-requirements-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** A wheel is a zip with three files about itself (PEP 427); an empty RECORD is enough for pip. */
const MAKE_WHEEL = `
import sys, zipfile
folder, name, version = sys.argv[1:]
info = f"{name}-{version}.dist-info"
with zipfile.ZipFile(f"{folder}/{name}-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr(f"{name}.py", f"VERSION = '{version}'\\n")
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/RECORD", "")
`
const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).trim()

let messages: string[]
let folder: string
let models = 0
beforeEach(() => {
  messages = []
  folder = join(work, `environments-${models}`)
})

function model(requirements: string, wheels: readonly (readonly [string, string])[] = []) {
  const modelDir = join(work, `model-${models++}`)
  mkdirSync(modelDir)
  writeFileSync(join(modelDir, 'requirements.txt'), requirements)
  for (const [name, version] of wheels) execFileSync(python, ['-c', MAKE_WHEEL, modelDir, name, version])
  return { model: 'm', modelDir, requirementsFile: 'requirements.txt', signal: new AbortController().signal }
}

const log = { info: (text: string) => messages.push(text) } as unknown as Logger
const open = (required: ReturnType<typeof model>) =>
  environmentOf(required, { folder, python, environment: process.env, log })

const versionIn = (interpreter: string, name: string) =>
  execFileSync(interpreter, ['-c', `import ${name}; print(${name}.VERSION)`], {
    encoding: 'utf8',
    stdio: 'pipe',
  }).trim()

test('hold what the model requires, from the wheels of its archive', async () => {
  const interpreter = await open(model('marina_probe\n', [['marina_probe', '1.0']]))
  expect(versionIn(interpreter, 'marina_probe')).toBe('1.0')
  expect(() => versionIn(python, 'marina_probe')).toThrow()
})

test('are shared by models with the same requirements, and by no others', async () => {
  const wheel = ['marina_probe', '1.0'] as const
  const first = await open(model('marina_probe\n', [wheel]))
  expect(messages).toHaveLength(2)
  const same = model('marina_probe\n')
  execFileSync('cp', [join(work, `model-${models - 2}`, 'marina_probe-1.0-py3-none-any.whl'), same.modelDir])
  expect(await open(same)).toBe(first)
  expect(messages).toHaveLength(2)
  expect(await open(model('marina_probe==1.0\n', [wheel]))).not.toBe(first)
})

test('are built once, also when two servers want the same at once', async () => {
  const required = model('marina_probe\n', [['marina_probe', '2.0']])
  const [first, second] = await Promise.all([open(required), open(required)])
  expect(first).toBe(second)
  expect(messages.filter((text) => text.startsWith('Installing'))).toHaveLength(1)
  expect(versionIn(first, 'marina_probe')).toBe('2.0')
})

test('are built again where the process that built them was killed', async () => {
  const required = model('marina_probe\n', [['marina_probe', '3.0']])
  const home = join(await open(required), '../..')
  rmSync(join(home, 'marina-complete'))
  // No process has this number: it is above the largest that Linux gives.
  writeFileSync(`${home}.lock-4194305-12345-deadbeef`, '')
  expect(versionIn(await open(required), 'marina_probe')).toBe('3.0')
  expect(messages.filter((text) => text.startsWith('Installing'))).toHaveLength(2)
  expect(readdirSync(folder)).toHaveLength(1)
})

test('fail with pip’s last lines, and leave nothing half-built', async () => {
  const required = model('marina_absent==9.9\n', [['marina_probe', '1.0']])
  await expect(open(required)).rejects.toMatchObject({
    code: 'worker-failed',
    message: expect.stringMatching(
      /The packages that m requires could not be installed: -m pip install ended with exit code 1\..*No matching distribution found for marina_absent==9\.9/s,
    ) as unknown,
  })
  expect(readdirSync(folder)).toEqual([])
})

test('are given up with the server, and what they had started ends', async () => {
  const stop = new AbortController()
  const required = { ...model('marina_probe\n', [['marina_probe', '1.0']]), signal: stop.signal }
  const opening = open(required)
  stop.abort(new Error('the server is stopping'))
  await expect(opening).rejects.toThrow('the server is stopping')
})

test('need the file that the manifest names', async () => {
  const required = { ...model(''), requirementsFile: 'absent.txt' }
  await expect(open(required)).rejects.toMatchObject({
    code: 'invalid-archive',
    message: 'The requirements file absent.txt of m cannot be read. Pack it into the archive again.',
  })
})

test('need the wheels that lie beside it, and say which one cannot be read', async () => {
  const required = model('marina_probe\n')
  mkdirSync(join(required.modelDir, 'broken.whl'))
  await expect(open(required)).rejects.toMatchObject({
    code: 'invalid-archive',
    message: 'The wheel broken.whl of m cannot be read. Pack it into the archive again.',
  })
})
