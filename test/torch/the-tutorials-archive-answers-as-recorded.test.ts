/** The tutorial's archive, packed by the original, gives the answers that TorchServe 0.12.0 gave (test/compat/tutorial). */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePorts } from '../compat/original.js'
import { startOurs } from '../compat/ours.js'
import { askAll, differences, testDigits, type Answer } from '../compat/tutorial/digits.js'

const recorded = new URL('../compat/tutorial/recorded/', import.meta.url).pathname

let modelStore: string
beforeAll(async () => {
  modelStore = await mkdtemp(join(tmpdir(), 'marina-tutorial-'))
  await cp(join(recorded, 'embedding.mar'), join(modelStore, 'embedding.mar'))
})
afterAll(() => rm(modelStore, { recursive: true, force: true }))

test('each digit has the distance and the label that TorchServe gave', async () => {
  const stored = JSON.parse(await readFile(join(recorded, 'answers.json'), 'utf8')) as Answer[]
  const digits = await testDigits(stored.length)
  const ports = await freePorts(false)
  const config = ['python=/usr/bin/python3', 'default_workers_per_model=1', 'batch_size=4']
  const flags = ['--disable-token-auth', '--models', 'embedding=embedding.mar']
  // A pid file of its own: another server on this machine is none of its business.
  const env = { TMPDIR: modelStore }
  const server = await startOurs({ config, flags, env, modelStore, ports })
  try {
    expect(differences(await askAll(ports, digits), stored)).toEqual([])
  } finally {
    await server.stop()
  }
})
