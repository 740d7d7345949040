/** Two archives' differences as text: a line for each kind, so that two trained models fit into ten. */
import type { Difference, FileChange, ValueChange } from '../archive/index.js'
import type { AnswerDifference } from './diff-run.js'
import type { Style } from './terminal.js'
import { bytesText } from './units.js'

/** What is shown beside the difference itself. */
export interface ReportOptions {
  readonly answers: readonly AnswerDifference[] | undefined
  readonly style: Style
}

/** Kinds without differences are one line together. */
export function differenceText(difference: Difference, { answers, style }: ReportOptions): string {
  const { from, to, models } = difference
  const rows: [string, readonly string[]][] = [
    ['files', difference.files.map(fileText)],
    ['manifest', difference.manifest.map(valueText)],
    ['requirements', difference.requirements.map(valueText)],
    ['models', models.map(valueText)],
    ['metrics', difference.metrics.map(valueText)],
    ['schema', difference.schema.map(valueText)],
    ['provenance', difference.provenance.map(valueText)],
    ...(answers ? [['answers', answersTexts(answers)] as [string, readonly string[]]] : []),
  ]
  const width = Math.max(...rows.map(([title]) => title.length))
  const changed = rows.filter(([, texts]) => texts.length > 0)
  const equal = rows.filter(([, texts]) => texts.length === 0).map(([title]) => title)
  const lines = changed.map(
    ([title, texts]) => `${style.bold(title.padEnd(width))}  ${few(texts).join('; ')}`,
  )
  return [
    style.bold(`${nameOf(from)} → ${nameOf(to)}`),
    ...lines,
    ...(equal.length > 0 ? [style.dim(`${'equal'.padEnd(width)}  ${equal.join(', ')}`)] : []),
    '',
  ].join('\n')
}

/** A line stays readable; `--json` has all. */
const MAX_SHOWN = 7

const few = (texts: readonly string[]) =>
  texts.length > MAX_SHOWN
    ? [...texts.slice(0, MAX_SHOWN - 1), `${texts.length - MAX_SHOWN + 1} more`]
    : texts

const nameOf = ({ name, version, source }: Difference['from']) =>
  name === undefined ? source : `${name} ${version}`

const signs = { added: '+', removed: '−', changed: '' }

function fileText({ name, kind, fromBytes, toBytes }: FileChange): string {
  const sizes = [fromBytes, toBytes].flatMap((bytes) => (bytes === undefined ? [] : [bytesText(bytes)]))
  return `${signs[kind]}${name} ${[...new Set(sizes)].join(' → ')}`
}

function valueText({ name, from, to }: ValueChange): string {
  if (from === undefined) return `+${name} ${shown(to)}`
  if (to === undefined) return `−${name} ${shown(from)}`
  const step = typeof from === 'number' && typeof to === 'number' ? ` (${signed(to - from)})` : ''
  return `${name} ${shown(from)} → ${shown(to)}${step}`
}

const signed = (value: number) => `${value > 0 ? '+' : '−'}${shown(Math.abs(value))}`

/** A hash is told apart by its beginning; a long text is cut. */
function shown(value: ValueChange['from']): string {
  if (typeof value === 'number')
    return Number.isInteger(value) ? value.toLocaleString('en') : String(Number(value.toPrecision(4)))
  const text = String(value)
  if (/^(sha256:)?[0-9a-f]{40,}$/.test(text)) return text.replace('sha256:', '').slice(0, 12)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

function answersTexts(answers: readonly AnswerDifference[]): string[] {
  const changed = answers.filter(({ changes }) => changes.length > 0)
  if (changed.length === 0) return []
  return [
    `${answers.length - changed.length} of ${answers.length} examples agree`,
    ...changed.slice(0, 5).map(({ example, changes }) => `${example}: ${changes.map(valueText).join(', ')}`),
    ...(changed.length > 5 ? [`${changed.length - 5} more`] : []),
  ]
}
