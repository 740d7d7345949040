/** Families beside TorchServe's, each read from counts at the moment of a scrape. */
import type { Counts, VersionCounts, VersionGauges } from './counts.js'
import { PHASES } from './counts.js'
import type { MetricType } from './definitions.js'
import { histogramSamples, type Family, type Labels, type Sample } from './family.js'

/** All of them; `gauges` reads the state of the versions. */
export const ownFamilies = (counts: Counts, gauges: () => readonly VersionGauges[]): readonly Family[] => [
  ...countFamilies(counts),
  ...gaugeFamilies(gauges),
]

const family = (
  type: MetricType,
  { name, help }: { name: string; help: string },
  samples: () => Iterable<Sample>,
): Family => ({ name, type, help, samples })

const labelsOf = (model: string, version: string): Labels => [
  ['model_name', model],
  ['model_version', version],
]
const sample = (labels: Labels, value: number): Sample => ({ suffix: '', labels, value })

/** One sample for each of a few counts. */
const byLabel = (
  label: string,
  counts: Iterable<readonly [string, number]>,
  labels: Labels,
): readonly Sample[] => [...counts].map(([name, value]) => sample([...labels, [label, name]], value))

function countFamilies(counts: Counts): Family[] {
  const all = (read: (of: VersionCounts, labels: Labels) => readonly Sample[]) => () =>
    [...counts.versions.entries()].flatMap(({ model, version, entry }) =>
      read(entry, labelsOf(model, version)),
    )
  return [
    family(
      'histogram',
      { name: 'inference_phase_seconds', help: 'Time of answered requests in each phase' },
      all(({ phases }, labels) =>
        PHASES.flatMap((phase) => histogramSamples([...labels, ['phase', phase]], phases[phase])),
      ),
    ),
    family(
      'counter',
      { name: 'inference_outcomes_total', help: 'Settled requests' },
      all(({ outcomes }, labels) => byLabel('outcome', outcomes, labels)),
    ),
    family(
      'counter',
      {
        name: 'inference_hang_ups_total',
        help: 'Callers who hung up before their answer, by where their request was',
      },
      () => [...counts.hangUps].map(([place, value]) => sample([['place', place]], value)),
    ),
    family(
      'counter',
      {
        name: 'inference_refusals_total',
        help: 'Requests that were turned away at the door: no worker, or too many jobs',
      },
      all(({ refusals }, labels) => byLabel('reason', refusals, labels)),
    ),
    family(
      'counter',
      { name: 'inference_replays_total', help: 'Jobs tried again after the death of their worker' },
      all(({ replays }, labels) => [sample(labels, replays)]),
    ),
    family(
      'counter',
      { name: 'inference_worker_deaths_total', help: 'Worker processes that ended unasked' },
      all(({ deaths }, labels) => [sample(labels, deaths)]),
    ),
    family(
      'counter',
      {
        name: 'inference_worker_scalings_total',
        help: 'Workers that the load added (up) and took away (down)',
      },
      all(({ scalings }, labels) => byLabel('direction', Object.entries(scalings), labels)),
    ),
    family(
      'counter',
      {
        name: 'inference_worker_recyclings_total',
        help: 'Workers that were replaced after so many jobs or above so much memory',
      },
      all(({ recyclings }, labels) => byLabel('cause', Object.entries(recyclings), labels)),
    ),
  ]
}

/** What is read from the workers and queues themselves. */
function gaugeFamilies(read: () => readonly VersionGauges[]): Family[] {
  const all = (samples: (of: VersionGauges, labels: Labels) => readonly Sample[]) => () =>
    read().flatMap((of) => samples(of, labelsOf(of.model, of.version)))
  return [
    family(
      'gauge',
      { name: 'inference_queue_length', help: 'Jobs that wait' },
      all(({ waiting }, labels) => [sample(labels, waiting)]),
    ),
    family(
      'gauge',
      { name: 'inference_workers', help: 'Workers by state' },
      all(({ workers }, labels) =>
        [...new Set(workers.map(({ state }) => state))].map((state) =>
          sample([...labels, ['state', state]], workers.filter((worker) => worker.state === state).length),
        ),
      ),
    ),
    family(
      'gauge',
      { name: 'inference_worker_restarts', help: 'Restarts of the workers that are there now' },
      all(({ workers }, labels) => [
        sample(
          labels,
          workers.reduce((sum, { restarts }) => sum + restarts, 0),
        ),
      ]),
    ),
  ]
}
