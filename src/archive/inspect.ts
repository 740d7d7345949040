/** Says what an archive holds, reading only what it must: of stored weights the headers, never the numbers. */
import { stat } from 'node:fs/promises'
import { MarinaError, messageOf } from '../errors.js'
import type { FileFacts } from '../recognise/index.js'
import { FILES_MEMBER, hashMembers, parseFileHashes, type FileHash } from './file-hashes.js'
import { findingsOf } from './findings.js'
import type { InspectedMember, InspectedModel, Inspection } from './inspection.js'
import { parseModelConfig } from './model-config.js'
import { openWithContainer, type OpenedArchive, type OpenOptions } from './open-archive.js'
import { parseRequirements, type Requirement } from './requirements.js'

/** Options of {@link inspect}. */
export interface InspectOptions extends OpenOptions {
  /** Compute hashes that are not recorded; default: when all members together have at most 64 MiB. */
  readonly hash?: boolean | undefined
}

/** Compressed members must be read from their beginning; larger ones are not looked into. */
const MAX_INFLATED_BYTES = 64 << 20

/** Inspects a `.mar`, a `.tar.gz` or a folder. Throws as `openArchive`. */
export async function inspect(source: string, options: InspectOptions = {}): Promise<Inspection> {
  const archive = await openWithContainer(source, options)
  try {
    const { kind, manifest, rawManifest, schema, examples, provenance } = archive
    const models = await modelsOf(archive)
    const requirements = await requirementsOf(archive)
    const config = await configOf(archive)
    const facts = {
      ...{ kind, manifest, rawManifest, schema, examples, provenance, models, requirements },
      ...(await hashesOf(archive, options)),
      source: archive.source,
      fileBytes: kind === 'folder' ? undefined : (await stat(archive.source)).size,
      config: config.value,
    }
    return { ...facts, findings: [...findingsOf(facts), ...config.findings] }
  } finally {
    await archive.close()
  }
}

async function modelsOf(archive: OpenedArchive): Promise<InspectedModel[]> {
  const { mayHoldModel, recognise, memoryAccess } = await import('../recognise/index.js')
  const { container, manifest } = archive
  const models: InspectedModel[] = []
  for (const member of archive.members()) {
    const { name, bytes } = member
    if (name.startsWith('MAR-INF/') || !(mayHoldModel(name) || name === manifest.model.serializedFile))
      continue
    const access = container.access(member)
    if (!access && bytes > MAX_INFLATED_BYTES) models.push({ member: name, facts: notLookedInto })
    else {
      const facts = await recognise(name, access ?? memoryAccess(await container.read(member)))
      if (facts) models.push({ member: name, facts })
    }
  }
  return models
}

const notLookedInto: FileFacts = {
  kind: 'other',
  format: 'compressed, too large to look into; stored members are read in place',
}

async function requirementsOf(archive: OpenedArchive): Promise<readonly Requirement[]> {
  const text = await textOf(archive, archive.manifest.model.requirementsFile)
  return text === undefined ? [] : parseRequirements(text)
}

async function configOf(archive: OpenedArchive): Promise<{ value: unknown; findings: string[] }> {
  const { configFile } = archive.manifest.model
  const text = await textOf(archive, configFile)
  if (text === undefined || configFile === undefined) return { value: undefined, findings: [] }
  try {
    return { value: await parseModelConfig(text, configFile), findings: [] }
  } catch (error) {
    return { value: undefined, findings: [messageOf(error)] }
  }
}

const MAX_TEXT_BYTES = 4 << 20

async function textOf(archive: OpenedArchive, name: string | undefined): Promise<string | undefined> {
  const found = archive.members().some((member) => member.name === name)
  if (name === undefined || !found) return undefined
  return (await archive.read(name, { maxBytes: MAX_TEXT_BYTES })).toString('utf8')
}

async function hashesOf(
  archive: OpenedArchive,
  options: InspectOptions,
): Promise<Pick<Inspection, 'members' | 'hashes'>> {
  const members = archive.members()
  const withHashes = (hashes: ReadonlyMap<string, FileHash | undefined>) =>
    members.map((member) => ({ ...member, sha256: hashes.get(member.name)?.sha256 })).map(plainMember)
  if (members.some(({ name }) => name === FILES_MEMBER)) {
    const recorded = parseFileHashes((await archive.read(FILES_MEMBER)).toString('utf8'))
    return { members: withHashes(recorded), hashes: 'recorded' }
  }
  const total = members.reduce((sum, { bytes }) => sum + bytes, 0)
  if (!(options.hash ?? total <= MAX_INFLATED_BYTES))
    return { members: withHashes(new Map()), hashes: 'none' }
  const { actual, findings } = await hashMembers(archive, options)
  const [damaged] = findings
  if (damaged) throw new MarinaError('invalid-archive', damaged.message)
  return { members: withHashes(actual), hashes: 'computed' }
}

/** Without what the container keeps about its members. */
const plainMember = ({ name, bytes, executable, sha256 }: InspectedMember): InspectedMember => ({
  ...{ name, bytes, executable, sha256 },
})
