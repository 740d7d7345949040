// What all benches share: each default-exports `async run({ quick })`, which resolves with
// { title, rows: [{ what, ours, other, ratio, limit, ok }], notes }: `ours` and `other` are numbers, or texts with their
// unit; `limit` says what the row promises (absent in a row that only informs), `ok` whether it holds.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const shown = (value) => (typeof value === 'number' ? String(Number(value.toPrecision(3))) : value)

/** One bench as lines of Markdown. */
export function markdownOf({ title, rows, notes = [] }) {
  const cells = rows.map(({ what, ours, other = '', ratio = '', limit = '', ok = true }) => {
    const verdict = limit === '' ? '' : ok ? 'holds' : 'FAILS'
    return `| ${[what, ours, other, ratio, limit].map(shown).join(' | ')} | ${verdict} |`
  })
  const head = ['| | Marina | other | ratio | limit | |', '| --- | --- | --- | --- | --- | --- |']
  return [`### ${title}`, '', ...head, ...cells, ...(notes.length === 0 ? [] : ['', ...notes])].join('\n')
}

/** Prints a bench. */
export const print = (result) => console.log(markdownOf(result))

/** True when every limit holds. */
export const holds = ({ rows }) => rows.every(({ ok = true }) => ok)

/** Runs a bench whose file was started itself: prints its table; exit code 1 when a limit does not hold. */
export async function runDirectly(url, run) {
  if (process.argv[1] !== fileURLToPath(url)) return
  const options = { quick: { type: 'boolean' }, json: { type: 'boolean' } }
  // A bench may have options of its own.
  const { values } = parseArgs({ options, strict: false })
  const result = await run({ quick: values.quick === true })
  console.log(values.json ? JSON.stringify(result) : markdownOf(result))
  process.exitCode = holds(result) ? 0 : 1
}

/** The middle one of some numbers. */
export const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]
