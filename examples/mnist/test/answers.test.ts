/** The figures of the analysis, on answers small enough to count by hand. */
import { expect, test } from 'vitest'
import { confusionOf, histogram, perClass, quantile, thresholdOf, vote } from '../answers.js'

const answers = [
  { label: '1', pred: '1', dist: 1 },
  { label: '1', pred: '7', dist: 9 },
  { label: '7', pred: '7', dist: 2 },
  { label: '7', pred: '7', dist: 3 },
]
const neighbour = (label: string) => ({ row: 0, id: 0n, label, dist: 0 })

test('precision and recall follow from the confusion matrix', () => {
  const matrix = confusionOf(answers, ['1', '7'])
  expect(matrix).toEqual([
    [1, 1],
    [0, 2],
  ])
  expect(perClass(matrix, ['1', '7'])).toEqual([
    { label: '1', count: 2, precision: 1, recall: 0.5 },
    { label: '7', count: 2, precision: 2 / 3, recall: 1 },
  ])
})

test('the threshold leaves out the stated share of right answers, and ignores wrong ones', () => {
  expect(thresholdOf(answers, 0)).toBe(3)
  expect(thresholdOf(answers, 1 / 3)).toBe(2)
})

test('a quantile of sorted values is one of them', () => {
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2)
  expect(quantile([1, 2, 3, 4], 1)).toBe(4)
})

test('a histogram counts each value once; the last bin takes what lies beyond', () => {
  expect(histogram([0, 0.5, 1, 5, 99], [0, 1, 2])).toEqual([2, 3])
})

test('the most frequent label wins, and of equally many the nearest', () => {
  expect(vote([neighbour('1'), neighbour('7'), neighbour('7')])).toBe('7')
  expect(vote([neighbour('1'), neighbour('7'), neighbour('4')])).toBe('1')
})
