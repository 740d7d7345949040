/** Finds what a registration's `url` means (contract archive §4.1): an archive file, or a folder used in place. */
import { statSync } from 'node:fs'
import { basename, isAbsolute, join, resolve } from 'node:path'
import type { Pattern } from '../config/patterns.js'
import { MarinaError } from '../errors.js'
import { climbs, isAllowedUrl, isUrl } from './remote-url.js'

/** Where the model is. */
export type LocalSource = { readonly kind: 'archive' | 'folder'; readonly path: string }

/** Where the model is; a URL has been found allowed, and nothing more. */
export type ModelSource = LocalSource | { readonly kind: 'remote'; readonly url: string }

/** What the search depends on. */
export interface SourceOptions {
  /** Absolute path of the model store; undefined: none is configured. */
  readonly modelStore: string | undefined
  /** A path to a file counts as it stands, as on a command line. Otherwise only its base name does, in the model store. */
  readonly explicitPaths: boolean
  /** An archive is fetched from a URL that one of these matches whole. */
  readonly allowedUrls: readonly Pattern[]
  /** Folder that relative paths start from; default: the process's. */
  readonly cwd?: string
}

const notFound = (message: string) => new MarinaError('model-not-found', message)

/** Resolves `url`. Throws model-not-found with TorchServe's texts; nothing is fetched here. */
export function findSource(url: string, options: SourceOptions): ModelSource {
  const { modelStore, explicitPaths, cwd = process.cwd() } = options
  if (modelStore === undefined && !explicitPaths) throw notFound('Model store has not been configured.')
  if (url === '') throw notFound('empty url')
  if (url.includes('..') || (isUrl(url) && climbs(url)))
    throw notFound(`Relative path is not allowed in url: ${url}`)
  if (isUrl(url)) return remoteSource(url, options)
  const found =
    (explicitPaths ? fileAt(resolve(cwd, url)) : undefined) ??
    inStore(modelStore, url, fileAt) ??
    folderAt(resolve(cwd, url), modelStore) ??
    inStore(modelStore, url, (path) => folderAt(path, modelStore))
  if (!found) throw notFound(`Model not found at: ${url}`)
  return found
}

function remoteSource(url: string, { allowedUrls, modelStore }: SourceOptions): ModelSource {
  if (!isAllowedUrl(url, allowedUrls)) throw notFound(`Given URL ${url} does not match any allowed URL(s)`)
  if (modelStore === undefined) throw notFound('Model store has not been configured.')
  return { kind: 'remote', url }
}

/** Only the last segment of `url` counts in the model store, whatever stands before it. */
function inStore(
  modelStore: string | undefined,
  url: string,
  look: (path: string) => LocalSource | undefined,
): LocalSource | undefined {
  const name = basename(url.replaceAll('\\', '/'))
  if (modelStore === undefined || !isAbsolute(modelStore) || name === '' || name === '.') return undefined
  return look(join(modelStore, name))
}

const fileAt = (path: string): LocalSource | undefined =>
  statSync(path, { throwIfNoEntry: false })?.isFile() ? { kind: 'archive', path } : undefined

/** The model store itself is no model, though `url=/` or `.` may lead to it. */
function folderAt(path: string, modelStore: string | undefined): LocalSource | undefined {
  if (path === modelStore || path === '/') return undefined
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? { kind: 'folder', path } : undefined
}

/** The name of a model whose archive has none (contract archive §4.9): `my-model.mar` gives `my_model`. */
export function fallbackName(url: string): string {
  const last = basename(url.replaceAll('\\', '/'))
  const stem = /\.(mar|model)/.test(last) ? last.slice(0, last.lastIndexOf('.')) : last
  return stem.replace(/^_|\W/g, '_')
}
