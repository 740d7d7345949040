/** `<index file>.json`, which says what a faiss file has no place for: labels, and the model that made the vectors. */
import { readFile } from 'node:fs/promises'
import { invalidFile, messageOf } from '../errors.js'
import type { IndexContents } from './contents.js'
import type { FaissContents } from './faiss-file.js'
import { labelsFromJson, labelsToJson, type LabelColumn, type LabelsJson } from './labels.js'

const FORMAT = 'marina-index/1'

/** A sidecar as it was read; `labels` are checked against the sidecar's own count. */
export interface Sidecar {
  readonly count: number
  readonly dimension: number
  readonly metric: string
  /** SHA-256 (hex) of the faiss file that this sidecar belongs to. */
  readonly sha256: string
  readonly modelHash: string | undefined
  readonly labels: LabelColumn | undefined
}

/** Where the sidecar of an index file stands. */
export const sidecarOf = (file: string) => `${file}.json`

/** The text of a sidecar for contents that were written with the hash `sha256`. */
export function encodeSidecar(contents: IndexContents, sha256: string): string {
  const { count, dimension, metric, modelHash, labels } = contents
  const json = { format: FORMAT, count, dimension, metric, sha256, modelHash }
  return `${JSON.stringify({ ...json, labels: labels && labelsToJson(labels) }, undefined, 1)}\n`
}

/**
 * Reads the sidecar of an index file; undefined when there is none, as beside a bare faiss file.
 * @throws MarinaError `invalid-file` for a damaged one
 */
export async function readSidecar(file: string): Promise<Sidecar | undefined> {
  const path = sidecarOf(file)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw invalidFile(path, `cannot be read: ${messageOf(error)}`, error)
  })
  return text === undefined ? undefined : parseSidecar(text, path)
}

/**
 * Reads the text of a sidecar; `path` is for the error.
 * @throws MarinaError `invalid-file`
 */
export function parseSidecar(text: string, path: string): Sidecar {
  const json = parseJson(text, path)
  const { format, count, dimension, metric, sha256, modelHash, labels } = json
  if (format !== FORMAT) throw invalidFile(path, `is no sidecar of an index: its format is not '${FORMAT}'`)
  if (!isCount(count)) throw wrongField(path, 'count', 'a whole number from 0')
  if (!isCount(dimension)) throw wrongField(path, 'dimension', 'a whole number')
  if (metric !== 'l2' && metric !== 'ip') throw wrongField(path, 'metric', "'l2' or 'ip'")
  if (!isHash(sha256)) throw wrongField(path, 'sha256', '64 hex digits')
  if (modelHash !== undefined && !isHash(modelHash)) throw wrongField(path, 'modelHash', '64 hex digits')
  return { count, dimension, metric, sha256, modelHash, labels: parseLabels(labels, { count, path }) }
}

/**
 * Refuses a sidecar that belongs to another file than the one beside it.
 * @throws MarinaError `invalid-file`
 */
export function checkSidecar(
  sidecar: Sidecar,
  read: { file: string; contents: FaissContents; sha256: string },
) {
  const { file, contents } = read
  const cure = `write the index again, or delete ${sidecarOf(file)} to open it without labels and model hash`
  for (const key of ['count', 'dimension', 'metric'] as const)
    if (sidecar[key] !== contents[key])
      throw invalidFile(
        file,
        `has ${key} ${contents[key]}, its sidecar says ${sidecar[key]}: they do not belong together; ${cure}`,
      )
  if (sidecar.sha256 !== read.sha256)
    throw invalidFile(
      file,
      `has SHA-256 ${read.sha256}, its sidecar says ${sidecar.sha256}: one of them is damaged or was replaced; ${cure}`,
    )
}

function parseJson(text: string, path: string): Readonly<Record<string, unknown>> {
  const parsed = tryParse(text, path)
  if (!isObject(parsed)) throw invalidFile(path, 'is damaged: it is no JSON object')
  return parsed
}

function tryParse(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalidFile(path, `is damaged: ${messageOf(error)}`, error)
  }
}

function parseLabels(json: unknown, { count, path }: { count: number; path: string }) {
  if (json === undefined) return undefined
  if (!isLabelsJson(json)) throw wrongField(path, 'labels', '{ dictionary, width, codes }')
  const read = labelsFromJson(json, count)
  if (!read.ok) throw invalidFile(path, `is damaged: it ${read.why}`)
  return read.labels
}

const wrongField = (path: string, key: string, expected: string) =>
  invalidFile(path, `is damaged: '${key}' must be ${expected}`)

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isLabelsJson = (value: unknown): value is LabelsJson =>
  isObject(value) &&
  Array.isArray(value['dictionary']) &&
  value['dictionary'].every((label) => typeof label === 'string') &&
  (value['width'] === 1 || value['width'] === 2 || value['width'] === 4) &&
  typeof value['codes'] === 'string'
