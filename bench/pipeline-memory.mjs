// Peak memory of the example's pipeline, plain and on ten times the training shards (the same images again, moved by a pixel;
// the same index), in one run: the most that each step's process had resident. Takes minutes; `--quick` trains on 4,000 and
// 40,000 images. Needs a built dist/.
import { withMnistProject } from './mnist-project.mjs'
import { runDirectly } from './table.mjs'

const LIMIT = 1.2
const TIMES = 10

/** Peak memory in bytes by step. */
async function peaksOf(run, { train, repeat }) {
  // Ten shards in the plain run, whatever its size; one epoch, since memory does not know how often it is gone round.
  const rows = { train, index: 10_000, validation: 5_000, test: 10_000 }
  const data = { rows, shardRows: Math.min(5_000, Math.ceil(train / 10)), repeat }
  const { steps } = await run({ steps: ['validate', 'analyse'], params: { data, train: { epochs: 1 } } })
  return new Map(steps.map(({ step, peakMemoryBytes }) => [step, peakMemoryBytes]))
}

function rowOf(what, ours, other) {
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`
  return { what, ours: megabytes(ours), other: megabytes(other), ratio: ours / other }
}

const highest = (peaks) => Math.max(...[...peaks.values()].filter((bytes) => bytes !== undefined))

/** The bench `pipeline-memory`. */
export default async function run({ quick }) {
  const train = quick ? 4_000 : 45_000
  return withMnistProject(async (pipeline) => {
    const plain = await peaksOf(pipeline, { train, repeat: 1 })
    const more = await peaksOf(pipeline, { train, repeat: TIMES })
    const whole = rowOf('the pipeline', highest(more), highest(plain))
    return {
      title: `Peak memory on ${train * TIMES} images (other: on ${train})`,
      rows: [
        ...[...plain].map(([step, bytes]) => rowOf(step, more.get(step), bytes)),
        { ...whole, limit: `≤ ${LIMIT}`, ok: whole.ratio <= LIMIT },
      ],
    }
  })
}

await runDirectly(import.meta.url, run)
