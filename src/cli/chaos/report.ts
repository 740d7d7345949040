/** What `marina chaos` says: a line for each fault as it comes, and the tables at the end. */
import { faultKinds } from './schedule.js'
import { lossOf, type ChaosResult, type FaultRecord, type HandoverResult } from './run.js'
import { lostOf, sumOf, type Tally } from './tally.js'
import { tableText, type Column } from '../table.js'
import type { Style } from '../terminal.js'

/** A whole run; the second part is there when it was asked for. */
export interface ChaosReport extends ChaosResult {
  readonly seconds: number
  readonly connections: number
  readonly handover: HandoverResult | undefined
}

/** Requests that were lost, in both parts; 0 is what a run is for. */
export const lostIn = (report: ChaosReport): number =>
  lossOf(report) + (report.handover ? lossOf({ ...report.handover, faults: [] }) : 0)

/** `  12.0 s  kill      python      1 running, tried again; back in 0.31 s`. */
export function faultLine({ atMs, kind, model, note, failed, lost }: FaultRecord, style: Style): string {
  const text = `${seconds(atMs).padStart(8)}  ${kind.padEnd(8)}  ${model.padEnd(12)}${note}`
  return failed || lost > 0 ? style.red(text) : text
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** What a program reads: all counts. */
export function chaosJson(report: ChaosReport): Record<string, unknown> {
  const { models, faults, handover } = report
  return {
    seconds: Number(report.seconds.toFixed(1)),
    connections: report.connections,
    lost: lostIn(report),
    ...countsOf(sumOf(models.map(({ tally }) => tally))),
    models: models.map(({ model, tally }) => ({ model, ...countsOf(tally) })),
    faults: faultKinds.map((kind) => ({ kind, ...countFaults(faults, kind) })),
    ...(handover
      ? {
          handover: {
            ...countsOf(sumOf(handover.models.map(({ tally }) => tally))),
            stopMs: Math.round(handover.tookMs),
            ended: handover.ended,
          },
        }
      : {}),
  }
}

const countsOf = (tally: Tally) => ({
  sent: tally.sent,
  answered: tally.answered,
  failed: tally.failed,
  retries: tally.retries,
  longestStallMs: Math.round(tally.longestStallMs),
  stalledAtMs: Math.round(tally.stalledAtMs),
})

/** How often a kind of fault was performed, and how often it hit a job at work. */
export function countFaults(faults: readonly FaultRecord[], kind: FaultRecord['kind']) {
  const those = faults.filter((fault) => fault.kind === kind)
  return {
    times: those.length,
    hit: those.filter(({ hit }) => hit).length,
    failed: those.filter(({ failed, lost }) => failed || lost > 0).length,
  }
}

const LOAD_COLUMNS: readonly Column[] = [
  { title: 'model' },
  { title: 'sent', align: 'right' },
  { title: 'answered', align: 'right' },
  { title: 'lost', align: 'right' },
  { title: 'longest stall', align: 'right' },
]
const FAULT_COLUMNS: readonly Column[] = [
  { title: 'fault' },
  { title: 'times', align: 'right' },
  { title: 'hit a running job', align: 'right' },
  { title: 'failed', align: 'right' },
]

/** The end of a run, for a person. */
export function chaosText(
  report: ChaosReport,
  { style, terminal }: { style: Style; terminal: boolean },
): string {
  const { models, faults, handover } = report
  const table = (columns: readonly Column[], rows: readonly (readonly string[])[]) =>
    tableText(columns, { rows, terminal, indent: '  ' })
  const ending = handover ? handoverText(handover) : ''
  const lost = lostIn(report)
  return [
    `\n${style.bold(`${report.seconds.toFixed(0)} s, ${report.connections} connections that never retry`)}\n\n`,
    table(LOAD_COLUMNS, models.map(loadRow)),
    '\n',
    table(
      FAULT_COLUMNS,
      faultKinds.map((kind) => {
        const { times, hit, failed } = countFaults(faults, kind)
        return [kind, String(times), String(hit), String(failed)]
      }),
    ),
    ending,
    ...failureLines([...models, ...(handover?.models ?? [])].map(({ tally }) => tally)),
    lost === 0 ? `\n${style.green('Nothing was lost.')}\n` : `\n${style.red(`Lost: ${lost}.`)}\n`,
  ].join('')
}

const loadRow = ({ model, tally }: ChaosResult['models'][number]): string[] => [
  model,
  String(tally.sent),
  String(tally.answered),
  String(lostOf(tally)),
  `${Math.round(tally.longestStallMs)} ms, until ${seconds(tally.stalledAtMs)}`,
]

function handoverText({ models, tookMs, ended }: HandoverResult): string {
  const { sent, retries, ...tally } = sumOf(models.map((each) => each.tally))
  const lost = lostOf({ sent, retries, ...tally })
  return `\nSIGTERM under load, clients that try again at a second server: ${lost} of ${sent} lost, ${retries} tried again, gone in ${Math.round(tookMs)} ms (${ended})\n`
}

function failureLines(tallies: readonly Tally[]): string[] {
  const failed = Object.entries(sumOf(tallies).failed)
  return failed.map(([why, count], at) => `${at === 0 ? '\n' : ''}  ${count} × ${why}\n`)
}
