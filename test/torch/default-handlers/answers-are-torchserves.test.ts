/**
 * The built-in handlers on real networks answer what TorchServe 0.12.0 answered (record.ts; Debian's torch 1.13 and torchvision
 * 0.14): weights, TorchScript and ONNX, with explanations.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pack } from '../../../src/archive/index.js'
import { freePorts, type RunningOriginal } from '../../compat/original.js'
import { startOurs } from '../../compat/ours.js'
import { HANDLER_PACKAGES, venvWith } from '../../support/python-venv.js'
import { askAll, type Answer } from './ask.js'
import { questions } from './cases.js'
import { buildModels, CONFIG, FLAGS } from './models.js'

const recorded = JSON.parse(
  readFileSync(new URL('recorded.json', import.meta.url), 'utf8'),
) as readonly Answer[]
const folder = mkdtempSync(join(tmpdir(), 'marina-default-handlers-'))
let server: RunningOriginal | undefined
let answers: readonly Answer[] = []

// The first run on a machine fetches packages too.
beforeAll(async () => {
  const python = venvWith(HANDLER_PACKAGES)
  const modelStore = join(folder, 'store')
  mkdirSync(modelStore)
  for (const model of buildModels(join(folder, 'models'), python)) {
    const within = (file: string) => join(model.folder, file)
    await pack({
      modelName: model.name,
      version: '1.0',
      handler: model.handler.endsWith('.py') ? within(model.handler) : model.handler,
      serializedFile: within(model.serializedFile),
      modelFile: model.modelFile === undefined ? undefined : within(model.modelFile),
      extraFiles: model.extraFiles.map(within),
      exportPath: modelStore,
    })
  }
  const ports = await freePorts(false)
  const config = [...CONFIG, `python=${python}`]
  server = await startOurs({ config, flags: FLAGS, modelStore, ports })
  answers = await askAll(`http://127.0.0.1:${ports.inference}`, questions(join(folder, 'models/inputs')))
}, 900_000)
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Processors add in other orders: numbers may differ by this much, relative or absolute. */
const TOLERANCE = 2e-3
/** … and at the border of two classes of a picture, here and there, by anything. */
const BORDER_SHARE = 0.01

/** Compares; answers with the places that differ and the number of numbers. */
function compare(ours: unknown, theirs: unknown, path = ''): { differ: string[]; numbers: number } {
  if (typeof ours === 'number' && typeof theirs === 'number') {
    const isNear = Math.abs(ours - theirs) <= TOLERANCE * Math.max(1, Math.abs(theirs))
    return { differ: isNear ? [] : [`${path}: ${ours}, not ${theirs}`], numbers: 1 }
  }
  if (!isObject(ours) || !isObject(theirs)) {
    expect(ours, path).toEqual(theirs)
    return { differ: [], numbers: 0 }
  }
  expect(Object.keys(ours), path).toEqual(Object.keys(theirs))
  const parts = Object.keys(ours).map((key) => compare(ours[key], theirs[key], `${path}/${key}`))
  return {
    differ: parts.flatMap(({ differ }) => differ),
    numbers: parts.reduce((sum, { numbers }) => sum + numbers, 0),
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

describe('as TorchServe answered:', () => {
  test.each(recorded)('$model, $title', ({ model, title, status, body }) => {
    const ours = answers.find((answer) => answer.model === model && answer.title === title)
    expect(ours).toMatchObject({ status })
    const { differ, numbers } = compare(ours?.body, body)
    expect(differ.slice(Math.floor(numbers * BORDER_SHARE))).toEqual([])
  })

  test('there are boxes, and pictures of two classes and more', () => {
    const bodyOf = (model: string) => recorded.find((answer) => answer.model === model)?.body
    expect(bodyOf('detector-eager')).not.toEqual([])
    const classes = new Set(
      (bodyOf('segmenter-eager') as [number, number][][]).flat().map(([found]) => found),
    )
    expect(classes.size).toBeGreaterThan(1)
    expect(recorded.filter(({ status }) => status === 200).length).toBeGreaterThan(25)
  })
})
