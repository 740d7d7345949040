/**
 * What `marina archive DIR` packs: a project folder read by convention.
 *
 *     handler.ts (or .mts .js .mjs .py)     model.onnx, or the one file of weights, here or in model/
 *     index/, model/ and the other data files of the folder go to the archive's root
 *     requirements.txt   model-config.yaml   schema.json   examples/
 *     package.json       name and version, and under "marina" what shall be otherwise
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { invalidFile, messageOf, misuse } from '../errors.js'
import { systemCode, unreadableFile } from './errors.js'
import { isObject, own, parseJson, type JsonObject } from './json.js'
import { MANIFEST_MEMBER } from './manifest.js'
import type { PackOptions } from './pack-options.js'
import { readExamples } from './project-examples.js'
import { parseSchema } from './parse-schema.js'
import { exists } from './replace-file.js'

/** The options that a project folder stands for; paths are absolute. */
export type ProjectOptions = Pick<
  PackOptions,
  | 'modelName'
  | 'version'
  | 'handler'
  | 'runtime'
  | 'serializedFile'
  | 'requirementsFile'
  | 'configFile'
  | 'extraFiles'
  | 'marina'
>

/** What the caller decides instead of the folder; paths as the caller gave them. */
export interface ProjectOverrides {
  readonly handler?: string | undefined
  readonly serializedFile?: string | undefined
}

/**
 * Reads a project folder. Throws `misuse` when handler or model is missing or could be more than one file, saying which
 * and what to do; `invalid-file` for a damaged `package.json`, `schema.json` or example.
 */
export async function readProject(folder: string, overrides: ProjectOverrides = {}): Promise<ProjectOptions> {
  const root = resolve(folder)
  const files = await filesOf(root)
  if (await exists(join(root, MANIFEST_MEMBER)))
    throw misuse(
      `${root} is no project but an unpacked archive (it holds ${MANIFEST_MEMBER}), which serves as it is`,
    )
  const settings = await settingsOf(root)
  const model = overrides.serializedFile ?? modelOf(root, { files, chosen: settings.model })
  const handler = overrides.handler ?? handlerOf(root, { files, chosen: settings.handler, model })
  const named = (name: string) => files.find((file) => basename(file) === name)
  const [requirementsFile, configFile] = [named('requirements.txt'), named('model-config.yaml')]
  const apart = new Set([model, handler, requirementsFile, configFile].map((file) => file && resolve(file)))
  const isPython = extname(handler) === '.py'
  return {
    modelName: settings.name ?? basename(root),
    version: settings.version ?? '1.0',
    handler,
    ...(handler === ONNX_HANDLER && { runtime: 'node' as const }),
    ...{ serializedFile: model, requirementsFile, configFile },
    extraFiles: files.filter((file) => !apart.has(file) && isData(basename(file), isPython)),
    marina: {
      schema: await schemaOf(join(root, 'schema.json')),
      examples: await readExamples(join(root, 'examples')),
    },
  }
}

/** The handler that Marina brings for a model without one. */
const ONNX_HANDLER = 'onnx'

/** Files of the folder, and of its `model/` and `index/`, which are flat in an archive. */
async function filesOf(root: string): Promise<string[]> {
  const found = await stat(root).catch((error: unknown) => {
    throw unreadableFile(root, error)
  })
  if (!found.isDirectory()) throw misuse(`${root} is a file; give the folder of a project, or options`)
  const folders = [root, join(root, 'model'), join(root, 'index')]
  const lists = await Promise.all(folders.map(plainFiles))
  return lists.flat()
}

async function plainFiles(folder: string): Promise<string[]> {
  try {
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort()
    const paths = names.map((name) => join(folder, name))
    const kinds = await Promise.all(paths.map((path) => stat(path)))
    return paths.filter((_, at) => kinds[at]?.isFile())
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return []
    throw error
  }
}

const weightSuffix = /\.(onnx|pt|pth|safetensors|ckpt|bin|gguf)$/i
const isIndex = (name: string) => /index/i.test(name) || /\.(faiss|index|usearch)$/i.test(name)

interface Choice {
  readonly files: readonly string[]
  /** By `package.json`. */
  readonly chosen: string | undefined
}

function modelOf(root: string, { files, chosen }: Choice): string | undefined {
  if (chosen !== undefined) return join(root, chosen)
  const weights = files.filter((file) => weightSuffix.test(file) && !isIndex(basename(file)))
  const called = weights.filter((file) => /^model\.[^.]+$/.test(basename(file)))
  const [model, ...others] = called.length > 0 ? called : weights
  if (others.length > 0)
    throw misuse(
      `${root}: the model could be ${names([model ?? '', ...others])}; ` +
        'call it model.*, name it in package.json ("marina": { "model": … }), or give --serialized-file',
    )
  return model
}

const names = (files: readonly string[]) => files.map((file) => basename(file)).join(' or ')

function handlerOf(root: string, { files, chosen, model }: Choice & { model: string | undefined }): string {
  if (chosen !== undefined) return join(root, chosen)
  const [handler, ...others] = files.filter((file) => /^handler\.(ts|mts|js|mjs|py)$/.test(basename(file)))
  if (others.length > 0)
    throw misuse(
      `${root}: the handler could be ${names([handler ?? '', ...others])}; ` +
        'keep one, name it in package.json ("marina": { "handler": … }), or give --handler',
    )
  if (handler !== undefined) return handler
  if (model !== undefined && extname(model) === '.onnx') return ONNX_HANDLER
  throw misuse(
    `${root}: there is no handler. Add handler.ts (or .mts, .js, .mjs, .py), or give --handler. ` +
      (model === undefined
        ? 'There is no model either; a folder with model.onnx alone needs no handler.'
        : `Only an .onnx model can go without; this one is ${basename(model)}.`),
  )
}

/** Code is in the handler's bundle, and the rest of these belongs to the project, not to the model. */
function isData(name: string, isPython: boolean): boolean {
  if (name.endsWith('.py')) return isPython
  return !(
    /\.([cm]?[jt]sx?|map|md|mar|tar\.gz|tgz|lock|log)$/i.test(name) ||
    /^(package(-lock)?|npm-shrinkwrap|schema|tsconfig.*)\.json$/.test(name) ||
    /^(pnpm-lock\.yaml|license.*|notice.*|dockerfile.*|makefile)$/i.test(name)
  )
}

interface Settings {
  readonly name?: string
  readonly version?: string
  readonly model?: string
  readonly handler?: string
}

/** `package.json`: name without its scope, version, and what stands under "marina". */
async function settingsOf(root: string): Promise<Settings> {
  const file = join(root, 'package.json')
  const text = await textOf(file)
  if (text === undefined) return {}
  const json = parsed(file, text)
  const marina = own(json, 'marina') ?? {}
  if (!isObject(marina)) throw invalidFile(file, '"marina" must be an object')
  const field = (object: JsonObject, key: string): string | undefined => {
    const value = own(object, key)
    if (value !== undefined && typeof value !== 'string') throw invalidFile(file, `"${key}" must be a text`)
    return value
  }
  const name = field(marina, 'name') ?? field(json, 'name')?.replace(/^@[^/]*\//, '')
  const settings = {
    name,
    version: field(marina, 'version') ?? field(json, 'version'),
    model: field(marina, 'model'),
    handler: field(marina, 'handler'),
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}

function parsed(file: string, text: string): JsonObject {
  try {
    const json = parseJson(text)
    if (!isObject(json)) throw new Error('it must be an object')
    return json
  } catch (error) {
    throw invalidFile(file, messageOf(error), error)
  }
}

async function textOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined
    throw unreadableFile(file, error)
  })
}

async function schemaOf(file: string) {
  const text = await textOf(file)
  try {
    return text === undefined ? undefined : parseSchema(text)
  } catch (error) {
    throw invalidFile(file, messageOf(error), error)
  }
}
