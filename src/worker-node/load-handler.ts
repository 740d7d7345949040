/** Finds a handler by what the manifest says, imports it, and initialises it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { invalidArchive } from '../errors.js'
import type { Context, Handler } from '../handlers/handler.js'
import type { LoadMessage, UpMessage } from '../protocol/messages.js'
import type { LoadedHandler } from './batch.js'
import { linkHostModules } from './host-modules.js'

/** The handlers that come with Marina, by the name that stands in a manifest. */
const builtIn: Readonly<Record<string, () => Promise<{ default: unknown }>>> = {
  onnx: () => import('../handlers/onnx.js'),
  embedding_index: () => import('../handlers/embedding-index.js'),
}

/**
 * Loads the handler of a version and runs its `initialize`.
 * @throws MarinaError `invalid-archive` for a handler that is not there or is none; whatever the user's code throws
 */
export async function loadHandler(
  load: LoadMessage,
  send: (message: UpMessage) => void,
): Promise<LoadedHandler> {
  const handler = await findHandler(load)
  const state = await handler.initialize?.(await contextOf(load, send))
  return { handler, state, modelDir: load.modelDir, retryItems: load.retryItems }
}

async function findHandler({ handler, modelDir }: LoadMessage): Promise<Handler> {
  const known = builtIn[handler]
  if (known) return checkHandler((await known()).default, handler)
  const [file = '', name = 'default'] = handler.split(':')
  const path = join(modelDir, /\.[cm]?js$/.test(file) ? file : `${file}.js`)
  await readFile(path).catch((error: unknown) => {
    const names = Object.keys(builtIn).join(', ')
    throw invalidArchive(
      `The handler '${handler}' is neither a file in the archive (${path}) nor built in (${names}).`,
      error,
    )
  })
  await linkHostModules(modelDir)
  const module = (await import(pathToFileURL(path).href)) as Record<string, unknown>
  return checkHandler(module[name], handler)
}

function checkHandler(value: unknown, handler: string): Handler {
  const functions = ['preprocess', 'inference', 'postprocess', 'step'] as const
  if (typeof value === 'object' && value !== null) {
    const found = value as Handler
    if (functions.some((name) => typeof found[name] === 'function')) return found
  }
  throw invalidArchive(
    `The handler '${handler}' exports no handler: end the file with 'export default defineHandler({ … })' and give it ` +
      `at least one of ${functions.join(', ')}.`,
  )
}

async function contextOf(load: LoadMessage, send: (message: UpMessage) => void): Promise<Context> {
  const manifest = await readFile(join(load.modelDir, 'MAR-INF/MANIFEST.json'), 'utf8').catch(() => '{}')
  return {
    model: load.model,
    version: load.version,
    modelDir: load.modelDir,
    manifest: JSON.parse(manifest) as Record<string, unknown>,
    threads: load.threads,
    device: load.device,
    batchSize: load.batchSize,
    log: (level, message) => send({ kind: 'log', level: known(level, levels), message: textOf(message) }),
    metric: (name, value, { type = 'counter', unit = 'count', labels = {} } = {}) => {
      const texts = Object.entries(labels).map(([label, text]) => [label, textOf(text)] as const)
      send({
        kind: 'metric',
        name: textOf(name),
        type: known(type, metricTypes),
        value,
        unit: textOf(unit),
        // After the handler's own, as the metrics of Python handlers have them.
        labels: { ...Object.fromEntries(texts), ...withoutNamesOf(texts, load.model) },
      })
    },
  }
}

const withoutNamesOf = (own: readonly (readonly [string, string])[], model: string) =>
  Object.fromEntries(
    Object.entries({ ModelName: model, Level: 'Model' }).filter(([name]) =>
      own.every(([known]) => known !== name),
    ),
  )

const levels = ['debug', 'info', 'warn', 'error'] as const
const metricTypes = ['counter', 'gauge', 'histogram'] as const

/** Handlers in JavaScript are not type-checked, and a message that is not of the protocol would end the worker. */
function known<Name extends string>(name: Name, names: readonly Name[]): Name {
  if (names.includes(name)) return name
  throw new TypeError(`'${name}' is none of ${names.join(', ')}`)
}

/** Likewise: a handler's log of an object is a line, not the worker's end. */
const textOf = (value: unknown) => String(value)
