// `npm run bench [-- NAME …] [-- --quick] [-- --json] [-- --write]`: runs the benches of this folder one after the other
// and prints their tables; exit code 1 when a limit does not hold. `--write` puts the tables into docs/performance.md.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { holds, markdownOf } from './table.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, json: { type: 'boolean' }, write: { type: 'boolean' } },
})
const here = new URL('.', import.meta.url)
const names = readdirSync(here)
  .flatMap((file) => /^(.+)\.mjs$/.exec(file)?.[1] ?? [])
  .filter((name) => readFileSync(new URL(`${name}.mjs`, here), 'utf8').includes('\nexport default '))
const unknown = positionals.filter((name) => !names.includes(name))
if (unknown.length > 0) {
  console.error(`No such bench: ${unknown.join(', ')}. There are ${names.join(', ')}.`)
  process.exit(2)
}

const results = []
for (const name of positionals.length > 0 ? positionals : names) {
  console.error(`bench ${name} …`)
  const result = { name, ...(await resultOf(name)) }
  results.push(result)
  if (!values.json) console.log(`\n${markdownOf(result)}\n`)
}
if (values.json) console.log(JSON.stringify(results))
if (values.write) writeTables()
process.exitCode = results.every(holds) ? 0 : 1

async function resultOf(name) {
  try {
    const { default: run } = await import(new URL(`${name}.mjs`, here))
    return await run({ quick: values.quick === true })
  } catch (error) {
    return {
      title: name,
      rows: [{ what: 'did not run', ours: error.message, limit: 'runs', ok: false }],
      notes: [],
    }
  }
}

/** Each table stands between two marks of its own; a page without them gets them at its end. */
function writeTables() {
  const page = new URL('../docs/performance.md', import.meta.url)
  const machine = `Measured on ${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.versions.node}.`
  let text = readFileSync(page, 'utf8')
  for (const result of results) {
    const [begin, end] = [`<!-- bench ${result.name} -->`, `<!-- /bench ${result.name} -->`]
    const block = `${begin}\n${markdownOf(result)}\n\n${machine}\n${end}`
    const from = text.indexOf(begin)
    text =
      from < 0
        ? `${text.trimEnd()}\n\n${block}\n`
        : text.slice(0, from) + block + text.slice(text.indexOf(end) + end.length)
  }
  writeFileSync(page, text)
}
