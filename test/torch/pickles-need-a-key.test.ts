/** A file of weights that runs code when it is read: not under `marina serve`, unless its key says so (contract security D2). */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { OwnServers, type OwnServerOptions } from '../support/own-servers.js'

/** Debian's interpreter, whose torch this group of tests is for. */
const PYTHON = '/usr/bin/python3'
const servers = new OwnServers()
afterAll(() => servers.close())

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
  const model = join(servers.folder, name)
  const marker = join(servers.folder, `${name}-marker`)
  servers.file(`${name}/net.py`, MODEL)
  execFileSync(PYTHON, ['-c', SAVE, join(model, 'weights.pt'), marker])
  const facts = { handler: 'base_handler', serializedFile: 'weights.pt', modelFile: 'net.py' }
  const manifest = { runtime: 'python', model: { modelName: name, modelVersion: '1.0', ...facts } }
  servers.file(`${name}/MAR-INF/MANIFEST.json`, JSON.stringify(manifest))
  return { model, marker }
}

/** Why the model does not load. */
async function failureOf(model: string, { flags = {}, ...more }: OwnServerOptions) {
  const settings = { python: PYTHON, workers: '1', tokens: 'false', 'model-store': servers.folder, ...flags }
  const server = await servers.start({ ...more, flags: settings, models: [model] })
  const [ready] = await server.workersReady
  return ready?.status === 'rejected' ? String(ready.reason) : 'it loaded'
}

test('marina serve does not run it, and names the key', async () => {
  const { model, marker } = poisoned('refused')
  const failure = await failureOf(model, { profile: 'marina' })
  expect(failure).toMatch(/weights\.pt holds more than tensors and plain values.*allow_pickles=true/)
  expect(existsSync(marker)).toBe(false)
})

test.each([
  ['with the key, marina serve runs it', { profile: 'marina', flags: { 'allow-pickles': 'true' } }],
  ['torchserve runs it, as the original does', { profile: 'torchserve' }],
] as const)('%s', async (name, settings) => {
  const { model, marker } = poisoned(settings.profile)
  expect(await failureOf(model, settings), name).not.toBe('it loaded')
  expect(existsSync(marker)).toBe(true)
})
