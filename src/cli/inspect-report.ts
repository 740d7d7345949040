/** An inspected archive as text. */
import type { Inspection } from '../archive/index.js'
import { factsText } from './facts-text.js'
import { tableText } from './table.js'
import type { Style } from './terminal.js'
import { bytesText } from './units.js'

/** Where the text goes. */
export interface View {
  readonly style: Style
  readonly terminal: boolean
}

/** Sections with a title each; a section without content is left out. */
export function inspectionText(inspection: Inspection, view: View): string {
  const { bold, dim } = view.style
  const { manifest, source, fileBytes, kind } = inspection
  const form = { zip: 'zip (.mar)', tar: "gzip'd tar", folder: 'folder' }[kind]
  const size = fileBytes === undefined ? '' : ` · ${bytesText(fileBytes)}`
  const title = `${manifest.model.modelName ?? '(no name)'} ${manifest.model.modelVersion}`
  const sections = [
    `${bold(title)}  ${dim(`${form}${size}  ${source}`)}\n`,
    section('manifest', pairs(manifestPairs(inspection), view), view),
    section(
      'model',
      pairs(
        inspection.models.map(({ member, facts }) => [member, factsText(facts)]),
        view,
      ),
      view,
    ),
    section(`files (${inspection.members.length})`, filesText(inspection, view), view),
    section('requirements', list(inspection.requirements.map(({ text }) => text)), view),
    section('examples', list(exampleLines(inspection)), view),
    section('provenance', pairs(provenancePairs(inspection), view), view),
    section('findings', list(inspection.findings), view),
  ]
  return sections.filter((text) => text !== '').join('\n')
}

const section = (title: string, text: string, { style }: View) =>
  text === '' ? '' : `${style.bold(title)}\n${text}`

const list = (lines: readonly string[]) => lines.map((line) => `  ${line}\n`).join('')

function pairs(rows: readonly (readonly [string, string])[], { style }: View): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${style.dim(name.padEnd(width))}  ${value}\n`).join('')
}

function manifestPairs({ rawManifest, manifest }: Inspection): [string, string][] {
  if (!rawManifest) return []
  const { createdOn, runtime, model, archiverVersion } = manifest
  return Object.entries({ ...model, runtime, createdOn, archiverVersion }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as [string, string]],
  )
}

function filesText({ members, hashes }: Inspection, { terminal, style }: View): string {
  const columns = [{ title: 'size', align: 'right' as const }, { title: 'sha256' }, { title: 'file' }]
  // Elsewhere than on a terminal sizes and hashes are for programs: whole.
  const rows = members.map(({ name, bytes, sha256 }) => [
    terminal ? bytesText(bytes) : String(bytes),
    sha256 === undefined ? '-' : terminal ? sha256.slice(0, 12) : sha256,
    name,
  ])
  const origin = {
    recorded: 'hashes as recorded when it was packed; marina verify compares them',
    computed: 'hashes computed now; the archive records none',
    none: 'the archive records no hashes; --hash computes them',
  }[hashes]
  return tableText(columns, { rows, terminal, indent: '  ' }) + (terminal ? `  ${style.dim(origin)}\n` : '')
}

function exampleLines({ examples }: Inspection): string[] {
  return (examples?.requests ?? []).map(({ name, contentType, expect, tolerance }) => {
    const answer = expect ? ` → ${JSON.stringify(expect)}` : ''
    return `${name} (${contentType})${answer}${tolerance ? ` ± ${tolerance}` : ''}`
  })
}

function provenancePairs({ provenance }: Inspection): [string, string][] {
  if (!provenance) return []
  const { data, git, metrics, parameters, command, parent } = provenance
  const of = (title: string, values: Readonly<Record<string, unknown>> | undefined) =>
    Object.entries(values ?? {}).map(([name, value]): [string, string] => [`${title} ${name}`, String(value)])
  return [
    ...of('metric', metrics),
    ...of('parameter', parameters),
    ...of('data', data),
    ...(git ? [['commit', `${git.commit}${git.dirty ? ' (with changes)' : ''}`] as [string, string]] : []),
    ...(command ? [['command', command] as [string, string]] : []),
    ...(parent
      ? [
          ['parent', [parent.modelName, parent.modelVersion, parent.sha256].join(' ').trim()] as [
            string,
            string,
          ],
        ]
      : []),
  ]
}
