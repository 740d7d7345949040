/** From neighbours to figures: what was answered, how right it was, and which distance separates known from unknown. */
import type { Neighbour } from 'marina/vector'

/** One judged query. */
export interface Answer {
  readonly label: string
  readonly pred: string
  readonly dist: number
}

/** The label that most of the neighbours have; of equally many, the one whose nearest is nearest. */
export function vote(neighbours: readonly Neighbour[]): string {
  const counts = new Map<string, number>()
  for (const { label = '?' } of neighbours) counts.set(label, (counts.get(label) ?? 0) + 1)
  const most = Math.max(...counts.values())
  return neighbours.find(({ label = '?' }) => counts.get(label) === most)?.label ?? '?'
}

/** What the archive answers for one query: the label that most neighbours have, and the squared distance to the nearest. */
export function answerOf(label: string, neighbours: readonly Neighbour[]): Answer {
  return { label, pred: vote(neighbours), dist: neighbours[0]?.dist ?? Infinity }
}

/** Rows: true class; columns: predicted class; `classes` gives the order of both. */
export function confusionOf(answers: readonly Answer[], classes: readonly string[]): number[][] {
  const matrix = classes.map(() => classes.map(() => 0))
  for (const { label, pred } of answers) {
    const row = matrix[classes.indexOf(label)]
    const column = classes.indexOf(pred)
    if (row && column >= 0) row[column] = (row[column] ?? 0) + 1
  }
  return matrix
}

/** Count, precision and recall of each class, from the confusion matrix; 1 where nothing could be wrong. */
export function perClass(matrix: readonly (readonly number[])[], classes: readonly string[]) {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return classes.map((label, at) => {
    const hits = matrix[at]?.[at] ?? 0
    const count = sum(matrix[at] ?? [])
    const predicted = sum(matrix.map((row) => row[at] ?? 0))
    return {
      label,
      count,
      precision: predicted > 0 ? hits / predicted : 1,
      recall: count > 0 ? hits / count : 1,
    }
  })
}

/** The distance below which all but `rate` of the right answers lie: beyond it an answer is called unknown. */
export function thresholdOf(answers: readonly Answer[], rate: number): number {
  const right = answers.filter(({ label, pred }) => label === pred).map(({ dist }) => dist)
  right.sort((a, b) => a - b)
  return quantile(right, 1 - rate)
}

/** The value that the share `at` of the sorted values does not exceed. */
export function quantile(sorted: readonly number[], at: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(at * sorted.length) - 1))] ?? 0
}

/** Counts of values between edges; the last bin takes what lies beyond. */
export function histogram(values: readonly number[], edges: readonly number[]): number[] {
  const counts = new Array<number>(edges.length - 1).fill(0)
  for (const value of values) {
    const beyond = edges.findIndex((edge) => value < edge)
    const bin = beyond < 0 ? counts.length - 1 : Math.max(0, beyond - 1)
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  return counts
}
