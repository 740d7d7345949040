/** Which file a `--handler` means, and what the manifest calls it (contract archive §3.4). */
import { existsSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { platform } from 'node:process'
import { misuse } from '../errors.js'
import { bundleHandler } from './bundle-handler.js'
import type { Runtime } from './manifest.js'
import type { MemberSource } from './pack-options.js'

/** Handlers that TorchServe brings itself; a local file of that name is not looked at. */
const builtIn: ReadonlySet<string> = new Set(
  (
    'base_handler text_classifier image_classifier object_detector image_segmenter ' +
    'dali_image_classifier vllm_handler trt_llm_handler'
  ).split(' '),
)
const builtInLsp: ReadonlySet<string> = new Set(['BaseHandler', 'TorchScriptHandler'])

/** Whether TorchServe brings a handler of that name, for either of its runtimes. */
export const isBuiltInHandler = (handler: string): boolean => builtIn.has(handler) || builtInLsp.has(handler)

/** The manifest's `handler`, and the member that holds it, if any. */
export interface HandlerFile {
  readonly name: string
  readonly members: readonly MemberSource[]
}

/** The runtime that a handler's file name stands for. */
export function runtimeOf(handler: string): Runtime {
  return nodeExtensions.has(extname(handler)) ? 'node' : 'python'
}

const nodeExtensions: ReadonlySet<string> = new Set(['.ts', '.mts', '.js', '.mjs'])

/** How the handler is to be found. */
export interface HandlerFileOptions {
  readonly runtime: Runtime
  /** Names of members given directly. */
  readonly given: ReadonlySet<string>
  readonly bundle: boolean
}

/** Throws `misuse` when it cannot be a handler; whether the file exists shows when it is read. */
export async function handlerFile(handler: string, options: HandlerFileOptions): Promise<HandlerFile> {
  const name = basename(handler)
  const unpacked = { name, members: [] }
  const [file = ''] = name.split(':')
  if (handler === '' || options.given.has(name) || options.given.has(file)) return unpacked
  if (options.runtime === 'node') return nodeHandler(handler, options.bundle)
  const path = handlerPath(withoutFunction(handler), options.runtime)
  return path === undefined || options.given.has(basename(path)) ? unpacked : withFile(name, path)
}

/**
 * The file that the original copies for a handler (contract archive §3.4), whether or not it is there; undefined for
 * a handler that the server brings.
 */
export function handlerPath(handler: string, runtime: Exclude<Runtime, 'node'>): string | undefined {
  switch (runtime) {
    case 'python':
    case 'python3':
      if (builtIn.has(handler)) return undefined
      return handler.includes('.py') ? handler : `${beforeColon(handler)}.py`
    case 'LSP':
      if (builtInLsp.has(handler)) return undefined
      return beforeColon(handler) + (platform === 'darwin' ? '.dylib' : '.so')
    default:
      return runtime satisfies never
  }
}

const withFile = (name: string, file: string): HandlerFile => ({
  name,
  members: [{ name: basename(file), file }],
})

/** `handler.py:function` is more than the original takes; its server does. */
function withoutFunction(handler: string): string {
  return /\.py:[^/]*$/.test(handler) && !existsSync(handler)
    ? handler.slice(0, handler.lastIndexOf(':'))
    : handler
}

const beforeColon = (text: string) => text.split(':')[0] ?? text

/** A bundled handler becomes `.mjs`, which is an ES module wherever the archive is unpacked. */
async function nodeHandler(handler: string, bundle: boolean): Promise<HandlerFile> {
  const extension = extname(handler)
  if (extension === '') return { name: handler, members: [] }
  if (!nodeExtensions.has(extension))
    throw misuse(`${handler}: a node handler is a .ts, .mts, .js or .mjs file, or a built-in handler's name`)
  if (!bundle) {
    if (extension.endsWith('ts'))
      throw misuse(`${handler}: TypeScript cannot run as it is; let it be bundled, or give the compiled file`)
    return withFile(basename(handler), handler)
  }
  const name = `${basename(handler, extension)}.mjs`
  const { code, sourceMap } = await bundleHandler(handler, { fileName: name })
  return {
    name,
    members: [
      { name, data: code },
      { name: `${name}.map`, data: sourceMap },
    ],
  }
}
