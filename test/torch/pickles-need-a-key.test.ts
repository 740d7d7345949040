/** A file of weights that runs code when it is read: not under `marina serve`, unless its key says so (contract security D2). */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Profile } from '../../src/config/config.js'
import { loadConfig } from '../../src/config/load.js'
import { silentLogger } from '../../src/log.js'
import { startServer } from '../../src/server.js'

/** Debian's interpreter, whose torch this group of tests is for. */
const PYTHON = '/usr/bin/python3'
const folder = mkdtempSync(join(tmpdir(), 'marina-pickles-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SETTINGS: readonly [string, string][] = [
  ['python', PYTHON],
  ['workers', '1'],
  ['tokens', 'false'],
  ['model-store', folder],
]

/** Saves weights that, unpickled, make the file `marker`. */
const SAVE = `
import sys, torch
class Marks:
    def __reduce__(self): return (open, (sys.argv[2], "w"))
torch.save({"by": Marks()}, sys.argv[1])
`
const MODEL = `
import torch
class Net(torch.nn.Module):
    pass
`

/** A model folder, and where its weights leave their mark. */
function poisoned(name: string) {
  const model = join(folder, name)
  const marker = join(folder, `${name}-marker`)
  mkdirSync(join(model, 'MAR-INF'), { recursive: true })
  writeFileSync(join(model, 'net.py'), MODEL)
  execFileSync(PYTHON, ['-c', SAVE, join(model, 'weights.pt'), marker])
  const facts = { handler: 'base_handler', serializedFile: 'weights.pt', modelFile: 'net.py' }
  const manifest = { runtime: 'python', model: { modelName: name, modelVersion: '1.0', ...facts } }
  writeFileSync(join(model, 'MAR-INF/MANIFEST.json'), JSON.stringify(manifest))
  return { model, marker }
}

/** Why the model does not load. */
async function failureOf(model: string, { profile, flags }: { profile: Profile; flags: [string, string][] }) {
  const ports = ['inference', 'management', 'metrics'].map((role): [string, string] => [`${role}-port`, '0'])
  const config = loadConfig({
    profile,
    flags: new Map([...ports, ...SETTINGS, ...flags]),
    environment: {},
    models: [model],
  })
  const stateDir = mkdtempSync(join(folder, 'state-'))
  const server = await startServer(config, { log: silentLogger, serverVersion: '0', stateDir })
  const [ready] = await server.workersReady
  await server.stop()
  return ready?.status === 'rejected' ? String(ready.reason) : 'it loaded'
}

test('marina serve does not run it, and names the key', async () => {
  const { model, marker } = poisoned('refused')
  const failure = await failureOf(model, { profile: 'marina', flags: [] })
  expect(failure).toMatch(/weights\.pt holds more than tensors and plain values.*allow_pickles=true/)
  expect(existsSync(marker)).toBe(false)
})

test.each<[string, { profile: Profile; flags: [string, string][] }]>([
  ['with the key, marina serve runs it', { profile: 'marina', flags: [['allow-pickles', 'true']] }],
  ['torchserve runs it, as the original does', { profile: 'torchserve', flags: [] }],
])('%s', async (name, settings) => {
  const { model, marker } = poisoned(settings.profile)
  expect(await failureOf(model, settings), name).not.toBe('it loaded')
  expect(existsSync(marker)).toBe(true)
})
