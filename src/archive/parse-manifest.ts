/** Reads `MAR-INF/MANIFEST.json` of any archiver since 0.1 (contract archive §2.2, §2.3). */
import { invalidArchive } from '../errors.js'
import { isObject, own, parseJson, parseJsonNumbersAsText, type JsonObject } from './json.js'
import type { Manifest, Runtime } from './manifest.js'

/** The manifest that is assumed when an archive has none. */
export const emptyManifest: Manifest = { runtime: 'python', model: { modelVersion: '1.0' } }

/** TorchServe's text, which names the wrong file; clients look for it. */
const unparsable = (why: string, cause?: unknown) =>
  invalidArchive('Failed to parse signature.json.', new Error(`MAR-INF/MANIFEST.json: ${why}`, { cause }))

/**
 * The known fields of a manifest. Strict JSON (TorchServe's leniency let archives register whose workers
 * never start); unknown keys are ignored, `null` counts as absent, a number or boolean is taken as its text,
 * a missing version is `1.0`, a missing runtime `python`. Errors, code `invalid-archive`: `Failed to parse
 * signature.json.` for bad JSON and wrong types (the cause says which), `Missing Model entry in manifest
 * file.`, `Runtime is not defined or invalid.`, and a file field that points outside the archive.
 */
export function parseManifest(text: string): Manifest {
  const root = parse(text)
  const model = modelOf(root)
  const createdOn = textField(root, 'createdOn')
  const archiverVersion = textField(root, 'archiverVersion')
  return {
    ...(createdOn !== undefined && { createdOn }),
    runtime: runtimeOf(root),
    model: {
      ...textFields(model),
      modelVersion: textField(model, 'modelVersion') ?? '1.0',
    },
    ...(archiverVersion !== undefined && { archiverVersion }),
  }
}

/**
 * The manifest as it stands in the file, which Python handlers see as `context.manifest`. Errors as {@link
 * parseManifest}.
 */
export function parseRawManifest(text: string): JsonObject {
  const value = attempt(() => parseJson(text))
  if (!isObject(value)) throw unparsable('must be an object')
  return value
}

function parse(text: string): JsonObject {
  const value = attempt(() => parseJsonNumbersAsText(text))
  if (!isObject(value)) throw unparsable('must be an object')
  return value
}

function attempt(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    throw unparsable(error instanceof Error ? error.message : 'unreadable', error)
  }
}

function modelOf(root: JsonObject): JsonObject {
  if (!Object.hasOwn(root, 'model')) return {}
  const model = own(root, 'model')
  if (model === null) throw invalidArchive('Missing Model entry in manifest file.')
  if (!isObject(model)) throw unparsable('"model" must be an object')
  return model
}

const runtimes: readonly Runtime[] = ['python', 'python3', 'LSP', 'node']

/** The runtime of that name, else undefined. */
export function runtimeNamed(name: string): Runtime | undefined {
  return runtimes.find((runtime) => runtime === name)
}

function runtimeOf(root: JsonObject): Runtime {
  if (!Object.hasOwn(root, 'runtime')) return 'python'
  const value = own(root, 'runtime')
  if (isObject(value) || Array.isArray(value)) throw unparsable('"runtime" must be a text')
  const runtime = typeof value === 'string' ? runtimeNamed(value) : undefined
  if (!runtime) throw invalidArchive('Runtime is not defined or invalid.')
  return runtime
}

function textField(object: JsonObject, key: string): string | undefined {
  const value = own(object, key)
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  throw unparsable(`"${key}" must be a text`)
}

const fileFields = ['serializedFile', 'handler', 'modelFile', 'requirementsFile', 'configFile'] as const

function textFields(model: JsonObject): Partial<Manifest['model']> {
  const modelName = textField(model, 'modelName')
  const fields = fileFields.flatMap((key): [string, string][] => {
    const value = textField(model, key)
    if (value === undefined) return []
    if (leavesTheArchive(value))
      throw invalidArchive(
        `MAR-INF/MANIFEST.json: ${key} ${JSON.stringify(value)} must lie inside the archive`,
      )
    return [[key, value]]
  })
  return { ...(modelName !== undefined && { modelName }), ...Object.fromEntries(fields) }
}

/** TorchServe reads or runs such files from anywhere (contract security D1). */
function leavesTheArchive(value: string): boolean {
  return /^[/\\]|^[A-Za-z]:[/\\]|\0/.test(value) || value.split(/[/\\]/).includes('..')
}
