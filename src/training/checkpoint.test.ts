/** A run that was interrupted goes on as if nothing had been, and never from a file that is not its own. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { CLASSES, SHAPE, stripeBatches } from '../../test/training/stripes.js'
import { readCheckpoint, writeCheckpoint } from './checkpoint.js'
import { adam, arcFace, batchNorm, conv, createTrainer, dense, flatten, l2Normalize, relu } from './index.js'
import { sequential, warmupCosine, type Trainer } from './index.js'

const BATCH = 8
const STEPS = 9
const folder = mkdtempSync(join(tmpdir(), 'marina-checkpoint-'))
const file = join(folder, 'checkpoint')
beforeEach(() => rmSync(file, { force: true }))
afterAll(() => rmSync(folder, { recursive: true }))

const trainerOf = (options: { filters?: number; seed?: number } = {}) =>
  createTrainer({
    network: sequential(
      [
        ...[conv({ filters: options.filters ?? 4, kernel: 3, stride: 3, bias: false }), batchNorm(), relu()],
        ...[flatten(), dense({ outputs: 8 }), l2Normalize()],
      ],
      { input: { shape: SHAPE, type: 'float32' } },
    ),
    loss: arcFace({ classes: CLASSES }),
    optimizer: adam(),
    schedule: warmupCosine({ peak: 3e-3, steps: STEPS, warmup: 3 }),
    batch: BATCH,
    seed: options.seed ?? 1,
    threads: 1,
  })

/** All that a run carries, as its checkpoint holds it. */
async function stateOf(trainer: Trainer) {
  await trainer.save(file)
  return readCheckpoint(file)
}

test('a run that was stopped by a signal and resumed ends with the weights of one that was not', async () => {
  const whole = await trainerOf()
  await whole.fit(stripeBatches({ rows: BATCH, count: STEPS }))
  const expected = await stateOf(whole)
  rmSync(file)

  const stop = new AbortController()
  const interrupted = await trainerOf()
  const running = interrupted.fit(stripeBatches({ rows: BATCH, count: STEPS }), {
    checkpoint: { file, every: 100 },
    signal: stop.signal,
    onStep: ({ step }) => step === 3 && stop.abort(new Error('Ctrl-C')),
  })
  await expect(running).rejects.toThrow('Ctrl-C')
  expect(interrupted.step).toBe(4)

  const resumed = await trainerOf()
  await resumed.restore(file)
  expect(resumed.step).toBe(4)
  await resumed.fit(stripeBatches({ rows: BATCH, count: STEPS, first: resumed.step }))
  expect(await stateOf(resumed)).toEqual(expected)
  await Promise.all([whole, interrupted, resumed].map((trainer) => trainer.close()))
})

test('a checkpoint is written every so many steps, and nothing stays beside it', async () => {
  const trainer = await trainerOf()
  const seen: number[] = []
  await trainer.fit(stripeBatches({ rows: BATCH, count: 7 }), {
    checkpoint: { file, every: 3 },
    onStep: ({ step }) => seen.push(step),
  })
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect((await readCheckpoint(file)).step).toBe(6)
  expect(readdirSync(folder)).toEqual(['checkpoint'])
  await trainer.close()
})

test.each([
  ['network', { filters: 5 }],
  ['seed', { seed: 2 }],
])('a checkpoint of another %s is refused, and the run stays as it was', async (_, other) => {
  const [own, stranger] = [await trainerOf(), await trainerOf(other)]
  await own.fit(stripeBatches({ rows: BATCH, count: 2 }))
  await own.save(file)
  await expect(stranger.restore(file)).rejects.toMatchObject({
    code: 'invalid-file',
    message: expect.stringMatching(/checkpoint.*of another network/) as string,
  })
  expect(stranger.step).toBe(0)
  await stranger.fit(stripeBatches({ rows: BATCH, count: 1 }))
  await Promise.all([own.close(), stranger.close()])
})

test('a checkpoint that was cut short or changed anywhere is refused', async () => {
  const data = Float32Array.from({ length: 6 }, (_, at) => at / 3)
  await writeCheckpoint(file, {
    step: 12,
    fingerprint: 'f',
    tensors: new Map([['w', { shape: [2, 3], data }]]),
  })
  const bytes = readFileSync(file)
  for (let length = 0; length < bytes.length; length++) {
    writeFileSync(file, bytes.subarray(0, length))
    await expect(readCheckpoint(file), `${length} bytes`).rejects.toMatchObject({ code: 'invalid-file' })
  }
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    writeFileSync(file, changed)
    await expect(readCheckpoint(file), `byte ${at}`).rejects.toMatchObject({ code: 'invalid-file' })
  }
  writeFileSync(file, bytes)
  expect((await readCheckpoint(file)).tensors.get('w')?.data).toEqual(data)
})

test('a checkpoint that is not there, or cannot be written, is an error that names the file', async () => {
  await expect(readCheckpoint(file)).rejects.toMatchObject({ code: 'invalid-file' })
  const nowhere = join(folder, 'absent', 'checkpoint')
  const writing = writeCheckpoint(nowhere, { step: 0, fingerprint: '', tensors: new Map() })
  await expect(writing).rejects.toThrow(nowhere)
})
