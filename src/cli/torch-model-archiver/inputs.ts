/** The files that a command line of torch-model-archiver names (contract archive §3.3–3.6). */
import { statSync } from 'node:fs'
import { systemCode } from '../../archive/errors.js'
import { handlerPath } from '../../archive/handler-file.js'
import { MANIFEST_MEMBER, MARINA_FOLDER } from '../../archive/manifest.js'
import { PythonError, systemError } from './python-errors.js'
import { pythonGlob } from './python-glob.js'
import type { ArchiverOptions } from './options.js'
import { createStaging, withoutUnwanted, type Staged, type Staging } from './staging.js'

type Warn = (text: string) => void

/**
 * All files, in the order in which a later one takes the place of an earlier one of its name. Throws a
 * {@link PythonError} where the original does.
 */
export function stageInputs(options: ArchiverOptions, warn: Warn): Staged {
  const staging = createStaging({
    modelName: options.model_name,
    refuseCollisions: options.own.has('--no-collisions'),
    keepTree: options.own.has('--keep-tree'),
  })
  const add = (path: string | undefined) => path && staging.addFile(path)
  add(options.model_file)
  add(options.serialized_file)
  add(options.handler && handlerPath(options.handler, options.runtime))
  if (options.extra_files) addExtraFiles(options.extra_files, { staging, warn })
  add(options.requirements_file)
  add(options.config_file)
  return withoutOldManifest(withoutUnwanted(staging.staged), warn)
}

function addExtraFiles(list: string, { staging, warn }: { staging: Staging; warn: Warn }): void {
  for (const piece of list.split(',')) {
    const isPattern = /[*?]/.test(piece) || (piece.includes('[') && piece.includes(']'))
    if (!isPattern && !exists(piece))
      throw new PythonError('FileNotFoundError', `File does not exist: ${piece}`)
    const paths = pythonGlob(piece.trim())
    if (isPattern && paths.length === 0) warn(`Given wildcard pattern did not match any file: ${piece}`)
    paths.forEach((path) => staging.addExtra(path))
  }
}

/** Whether the piece, exactly as typed, is there; a slash at its end says nothing, and "" is the current folder. */
function exists(piece: string): boolean {
  const path = piece
    .split('/')
    .filter((step) => step !== '' && step !== '.')
    .join('/')
  const asPath = piece.startsWith('/') ? `/${path}` : path || '.'
  try {
    statSync(asPath)
    return true
  } catch (error) {
    const code = systemCode(error) ?? 'EIO'
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(code)) return false
    throw systemError(code, asPath, { cause: error })
  }
}

/** A folder that was unpacked from an archive brings its manifest along, and hashes that would no longer hold. */
function withoutOldManifest(staged: Staged, warn: Warn): Staged {
  const isOfAnother = (name: string) => name.startsWith(`${MARINA_FOLDER}/`)
  const names = [...staged.keys()]
  if (names.some(isOfAnother))
    warn(`${MARINA_FOLDER}/ describes the archive that it was unpacked from; left out`)
  return new Map([...staged].filter(([name]) => name !== MANIFEST_MEMBER && !isOfAnother(name)))
}
