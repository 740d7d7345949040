// `npm run seeds`: trains the example with several seeds and its own recipe, and prints what each model answers rightly of
// MNIST's 10,000 test images, and their median. Options: --seeds N (5), --json. Exit code 1 below the target. About a minute
// and a half for each seed on two cores.
import { parseArgs } from 'node:util'
import { withMnistProject } from './mnist-project.mjs'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
})
const TARGET = 0.992
const percent = (share) => `${(100 * share).toFixed(2)} %`

await withMnistProject(async (run) => {
  const rows = []
  for (let seed = 1; seed <= Number(values.seeds); seed++) {
    const { steps } = await run({ steps: ['validate', 'analyse'], params: { train: { seed } } })
    const find = (name) => steps.find(({ step }) => step === name)
    const row = { seed, accuracy: find('analyse').report.accuracy, trainSeconds: find('train').seconds }
    rows.push(row)
    if (!values.json)
      console.log(`seed ${seed}   ${percent(row.accuracy)}   trained in ${row.trainSeconds.toFixed(1)} s`)
  }
  const sorted = rows.map(({ accuracy }) => accuracy).sort((a, b) => a - b)
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  const median = (low + high) / 2
  const ok = median >= TARGET
  if (values.json) console.log(JSON.stringify({ rows, median, target: TARGET, ok }))
  else console.log(`median   ${percent(median)}   target ${percent(TARGET)}: ${ok ? 'holds' : 'FAILS'}`)
  if (!ok) process.exitCode = 1
}).catch((error) => {
  console.error(`error: ${error.message}`)
  process.exitCode = 1
})
