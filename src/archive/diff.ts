/** Compares two archives by what they hold: files, manifest, requirements, models, provenance. */
import { inspect } from './inspect.js'
import type { Inspection } from './inspection.js'
import { isObject, own } from './json.js'
import { MANIFEST_MEMBER, MARINA_FOLDER } from './manifest.js'
import type { OpenOptions } from './open-archive.js'

/** One file that is not the same. */
export interface FileChange {
  readonly name: string
  readonly kind: 'added' | 'removed' | 'changed'
  /** Sizes before and after, where there is one. */
  readonly fromBytes: number | undefined
  readonly toBytes: number | undefined
}

/** One value that is not the same; undefined where there is none. */
export interface ValueChange {
  readonly name: string
  readonly from: Plain | undefined
  readonly to: Plain | undefined
}

/** What values are compared as. */
export type Plain = string | number | boolean

/** How two archives differ; empty lists where they do not. */
export interface Difference {
  readonly from: DiffedArchive
  readonly to: DiffedArchive
  /** The user's files and the bodies of examples; what stands in the other lists is not repeated here. */
  readonly files: readonly FileChange[]
  /** But `createdOn`. */
  readonly manifest: readonly ValueChange[]
  readonly requirements: readonly ValueChange[]
  /** Facts of models and indexes, as in `index.faiss count`. */
  readonly models: readonly ValueChange[]
  readonly metrics: readonly ValueChange[]
  /** All of the provenance but its metrics. */
  readonly provenance: readonly ValueChange[]
  /** Schema of inputs and outputs, and the list of examples. */
  readonly schema: readonly ValueChange[]
  readonly equal: boolean
}

/** One of the two. */
export interface DiffedArchive {
  readonly source: string
  readonly name: string | undefined
  readonly version: string
}

/**
 * Compares two archives of any form. Hashes are taken as recorded in `files.json` (`verify` checks them) or computed.
 * Throws as `openArchive`.
 */
export async function diff(from: string, to: string, options: OpenOptions = {}): Promise<Difference> {
  const [a, b] = [
    await inspect(from, { ...options, hash: true }),
    await inspect(to, { ...options, hash: true }),
  ]
  const lists = {
    files: filesOf(a, b),
    manifest: changes(manifestValues(a), manifestValues(b)),
    requirements: changes(requirementValues(a), requirementValues(b)),
    models: changes(modelValues(a), modelValues(b)),
    metrics: changes(flat(a.provenance?.metrics), flat(b.provenance?.metrics)),
    provenance: changes(provenanceValues(a), provenanceValues(b)),
    schema: changes(schemaValues(a), schemaValues(b)),
  }
  const equal = Object.values(lists).every((list) => list.length === 0)
  return { from: archiveOf(a), to: archiveOf(b), ...lists, equal }
}

const archiveOf = ({ source, manifest }: Inspection): DiffedArchive => ({
  source,
  name: manifest.model.modelName,
  version: manifest.model.modelVersion,
})

/** Members that the other lists speak of. */
const isMetadata = (name: string) =>
  name === MANIFEST_MEMBER ||
  (name.startsWith(`${MARINA_FOLDER}/`) && !name.startsWith(`${MARINA_FOLDER}/examples/`))

function filesOf(a: Inspection, b: Inspection): FileChange[] {
  const [before, after] = [a, b].map(({ members }) => new Map(members.map((member) => [member.name, member])))
  const names = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])
  return [...names].sort().flatMap((name): FileChange[] => {
    const [from, to] = [before?.get(name), after?.get(name)]
    if (isMetadata(name) || (from && to && from.sha256 === to.sha256)) return []
    const kind = from ? (to ? 'changed' : 'removed') : 'added'
    return [{ name, kind, fromBytes: from?.bytes, toBytes: to?.bytes }]
  })
}

type Values = ReadonlyMap<string, Plain>

function changes(a: Values, b: Values): ValueChange[] {
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((name) => a.get(name) !== b.get(name))
    .map((name) => ({ name, from: a.get(name), to: b.get(name) }))
}

/** Own values of nested objects under names with dots; lists by their text. */
function flat(value: unknown, name = ''): Values {
  if (value === undefined || value === null) return new Map()
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return new Map([[name, value]])
  if (!isObject(value)) return new Map([[name, JSON.stringify(value)]])
  return new Map(
    Object.keys(value).flatMap((key) => [...flat(own(value, key), name === '' ? key : `${name}.${key}`)]),
  )
}

const manifestValues = ({ rawManifest }: Inspection): Values =>
  new Map([...flat(rawManifest)].filter(([name]) => name !== 'createdOn'))

const requirementValues = ({ requirements }: Inspection): Values =>
  new Map(requirements.map(({ name, text }) => [name ?? text, text]))

const provenanceValues = ({ provenance }: Inspection): Values => flat({ ...provenance, metrics: undefined })

const schemaValues = ({ schema, examples }: Inspection): Values =>
  new Map([
    ...flat({ description: schema?.description, operations: schema?.operations }),
    ...(schema?.inputs ?? []).flatMap((input) => [...flat({ ...input }, `input ${input.name}`)]),
    ...(schema?.outputs ?? []).flatMap((output) => [...flat({ ...output }, `output ${output.name}`)]),
    ...(examples?.requests ?? []).flatMap((request) => [...flat({ ...request }, `example ${request.name}`)]),
  ])

const modelValues = ({ models }: Inspection): Values =>
  new Map(
    models.flatMap(({ member, facts }) =>
      [...flat({ ...facts })].map(([key, value]) => [`${member} ${key}`, value] as const),
    ),
  )
