/** Turns the flags of `marina archive` into options of `pack`: the folder's, and over them what was given. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import {
  hashFile,
  openArchive,
  parseProvenance,
  parseSchema,
  readExamples,
  readProject,
  type ArchiveFormat,
  type PackOptions,
  type ParentArchive,
  type Provenance,
  type Runtime,
} from '../archive/index.js'
import { invalidFile, messageOf } from '../errors.js'
import { extraFilesOf } from './extra-files.js'

/** As commander gives them. */
export interface ArchiveFlags {
  readonly modelName?: string
  readonly version?: string
  readonly handler?: string
  readonly serializedFile?: string
  readonly modelFile?: string
  readonly extraFiles?: string
  readonly requirementsFile?: string
  readonly configFile?: string
  readonly runtime?: Runtime
  readonly archiveFormat: ArchiveFormat
  readonly exportPath?: string
  readonly force: boolean
  readonly fileName?: string
  readonly deflate: boolean
  readonly bundle: boolean
  readonly schema?: string
  readonly examples?: string
  readonly provenance?: string
  readonly parent?: string
  readonly json: boolean
}

/** A command line beside its parsed flags. */
export interface CommandLine {
  readonly flags: ArchiveFlags
  readonly words: readonly string[]
  readonly signal: AbortSignal
}

/** Throws `misuse` and `invalid-file` as `readProject`, and for files that flags name. */
export async function packOptions(folder: string | undefined, line: CommandLine): Promise<PackOptions> {
  const { flags } = line
  const { handler, serializedFile } = flags
  const project = folder === undefined ? undefined : await readProject(folder, { handler, serializedFile })
  const extra = flags.extraFiles === undefined ? [] : extraFilesOf(flags.extraFiles)
  return {
    modelName: flags.modelName ?? project?.modelName ?? '',
    version: flags.version ?? project?.version ?? '',
    handler: handler ?? project?.handler ?? '',
    runtime: flags.runtime ?? (handler === undefined ? project?.runtime : undefined),
    serializedFile: serializedFile ?? project?.serializedFile,
    modelFile: flags.modelFile,
    requirementsFile: flags.requirementsFile ?? project?.requirementsFile,
    configFile: flags.configFile ?? project?.configFile,
    extraFiles: [...(project?.extraFiles ?? []), ...extra],
    exportPath: flags.exportPath,
    fileName: flags.fileName,
    archiveFormat: flags.archiveFormat,
    store: flags.deflate ? 'nothing' : 'weights',
    force: flags.force,
    bundle: flags.bundle,
    marina: {
      schema: flags.schema === undefined ? project?.marina?.schema : await parsed(flags.schema, parseSchema),
      examples: flags.examples === undefined ? project?.marina?.examples : await readExamples(flags.examples),
      provenance: await provenanceOf(folder, line),
    },
  }
}

async function provenanceOf(folder: string | undefined, line: CommandLine): Promise<Provenance> {
  const { flags, signal } = line
  const given = flags.provenance === undefined ? {} : await parsed(flags.provenance, parseProvenance)
  const git = given.git ?? (await gitState(folder ?? '.'))
  const parent = flags.parent === undefined ? given.parent : await parentOf(flags.parent, signal)
  return { command: commandText(line.words), ...given, ...(git && { git }), ...(parent && { parent }) }
}

async function parentOf(file: string, signal: AbortSignal): Promise<ParentArchive> {
  const archive = await openArchive(file, { signal })
  await archive.close()
  const { modelName, modelVersion } = archive.manifest.model
  return {
    ...(modelName !== undefined && { modelName }),
    modelVersion,
    sha256: await hashFile(file, { signal }),
  }
}

/** Undefined outside a git repository, and where there is no git. */
async function gitState(folder: string): Promise<Provenance['git']> {
  const git = async (...words: string[]) => {
    const { stdout } = await promisify(execFile)('git', ['-C', folder, ...words], { timeout: 10_000 })
    return stdout.trim()
  }
  try {
    const commit = await git('rev-parse', 'HEAD')
    return { commit, dirty: (await git('status', '--porcelain', '--', '.')) !== '' }
  } catch {
    return undefined
  }
}

/** Options that say where the output goes, and whether they take a word. */
const placing: ReadonlyMap<string, boolean> = new Map([
  ['--export-path', true],
  ['--force', false],
  ['-f', false],
  ['--json', false],
])

/**
 * The command as it would be typed beside its files: folders are cut off and the output's place is left out, so that
 * the same work in another folder is recorded the same.
 */
export function commandText(words: readonly string[]): string {
  const shown: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const takesWord = placing.get(word.replace(/=.*$/s, ''))
    if (takesWord === undefined) shown.push(withoutFolders(word))
    else if (takesWord && !word.includes('=')) at++
  }
  return ['marina', ...shown].join(' ')
}

const withoutFolders = (word: string) =>
  word
    .split(/([=,])/)
    .map((part) => (part.includes('/') ? basename(part) : part))
    .join('')

async function parsed<T>(file: string, parse: (text: string) => T): Promise<T> {
  try {
    return parse(await readFile(file, 'utf8'))
  } catch (error) {
    throw invalidFile(file, messageOf(error), error)
  }
}
