/** The gate: a version goes on only if each clause holds. Says which one failed, and by how much. */
import { readFile, writeFile } from 'node:fs/promises'
import { MarinaError } from 'marina'
import { defineStep } from 'marina/pipeline'
import { servingAccuracy, type ServingAccuracy } from '../serving.js'
import type { Analysis, GateClause } from '../report/analysis.js'

export default defineStep({
  inputs: ['analysis'],
  outputs: ['verdict'],
  // What is serving now is not a file: the gate is asked anew each time.
  effect: true,
  params: {
    accuracy: 0.98,
    classRecall: 0.95,
    /** How much worse than the version now serving a new one may be: two standard errors over 10,000 images are no news. */
    regression: 0.002,
    management: 'http://127.0.0.1:8081',
    model: 'embedding',
    store: 'model_store',
  },
  async run({ inputs, outputs, params, report, log }) {
    const analysis = JSON.parse(await readFile(inputs.analysis, 'utf8')) as Analysis
    const serving = await servingAccuracy(params)
    const clauses = judge(analysis, params, serving)
    await writeFile(outputs.verdict, JSON.stringify({ clauses, serving }, null, 2))
    for (const { clause, ok, value, bound } of clauses)
      log(`${ok ? 'holds' : 'FAILS'}: ${clause}: ${value} (${bound})`)
    report({ accuracy: analysis.accuracy, clauses: clauses.length })
    const failed = clauses.filter(({ ok }) => !ok)
    if (failed.length > 0) {
      const text = failed
        .map(({ clause, value, bound }) => `${clause} is ${value}, but must be ${bound}`)
        .join('; ')
      throw new MarinaError('gate-failed', `The gate keeps this version back: ${text}.`)
    }
  },
})

/** The clauses over one analysis; `serving` is the accuracy of the version now serving, if there is one. */
export function judge(
  analysis: Pick<Analysis, 'accuracy' | 'classes'>,
  bounds: { accuracy: number; classRecall: number; regression: number },
  serving: ServingAccuracy | undefined,
): GateClause[] {
  const worst = analysis.classes.reduce((least, row) => (row.recall < least.recall ? row : least), {
    label: '–',
    recall: 1,
  })
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`
  const clauses = [
    {
      clause: 'accuracy',
      ok: analysis.accuracy >= bounds.accuracy,
      value: percent(analysis.accuracy),
      bound: `at least ${percent(bounds.accuracy)}`,
    },
    {
      clause: `recall of class ${worst.label}, the lowest`,
      ok: worst.recall >= bounds.classRecall,
      value: percent(worst.recall),
      bound: `at least ${percent(bounds.classRecall)}`,
    },
  ]
  const floor = serving?.accuracy === undefined ? undefined : serving.accuracy - bounds.regression
  const against = serving
    ? `version ${serving.version}, now serving${floor === undefined ? ' (its accuracy is not known)' : ''}`
    : 'the version now serving (there is none)'
  clauses.push({
    clause: `accuracy against ${against}`,
    ok: floor === undefined || analysis.accuracy >= floor,
    value: percent(analysis.accuracy),
    bound: floor === undefined ? 'anything' : `at least ${percent(floor)}`,
  })
  return clauses
}
