/** Lines of TorchServe's metric grammar (contract metrics §8.1). */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseMetricLine } from './metric-line.js'

const END = '|#hostname:host1,1795406412'

describe('a printed line', () => {
  test('of the grammar is a metric', () => {
    const line = `[METRICS]HandlerTime.Milliseconds:12.3|#ModelName:noop,Level:Model|#type:GAUGE${END},3f0c,9a`
    expect(parseMetricLine(line)).toEqual({
      kind: 'metric',
      metric: {
        kind: 'metric',
        name: 'HandlerTime',
        type: 'gauge',
        value: 12.3,
        unit: 'Milliseconds',
        labels: { ModelName: 'noop', Level: 'Model' },
        host: 'host1',
        id: '3f0c,9a',
      },
    })
  })

  test.each([
    ['1', 1],
    ['-2.5', -2.5],
    ['1e-05', 1e-5],
    ['1E5', 1e5],
    ['1e+20', 1e20],
  ])('may have the value %s', (text, value) => {
    expect(parseMetricLine(`INFO > [METRICS] a b.Count:${text}|#|#type:COUNTER${END}`)).toMatchObject({
      kind: 'metric',
      metric: { name: 'a b', value, labels: {}, type: 'counter' },
    })
  })

  test.each(['', '|#type:SUMMARY', '|#type:gauge', '|#type:constructor'])(
    'may have no type that is known (%s), and labels that are none are left out',
    (type) => {
      const { metric } = parseMetricLine(`[METRICS]a.B:1|#one:1,two,three:3:3,four:${type}${END}`) as {
        metric: object
      }
      expect(metric).toMatchObject({ name: 'a', labels: { one: '1', four: '' } })
      expect(metric).not.toHaveProperty('type')
    },
  )

  test.each([
    '[METRICS]',
    '[METRICS]a.B:nan|#' + END,
    '[METRICS]a.B:1,5|#' + END,
    '[METRICS]a.B:1.2.3|#' + END,
    '[METRICS]a:1|#' + END,
    '[METRICS]ž.B:1|#' + END,
    '[METRICS]a.B:1|#|#type:GAUGE',
  ])('%s means to be one and is not', (line) => {
    expect(parseMetricLine(line)).toEqual({ kind: 'broken' })
  })

  test.each(['', 'hello', ' [METRICS]a.B:1|#' + END, 'WARN > [METRICS]a.B:1|#' + END])(
    '%j is text',
    (line) => {
      expect(parseMetricLine(line)).toEqual({ kind: 'text' })
    },
  )

  test('whatever it is is read at once', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(' ', 'a', '.', ':', '|', '#', ',', '1', '-', 'e', '\t') }),
        (rest) => {
          expect(['metric', 'broken']).toContain(parseMetricLine(`[METRICS]${rest}`).kind)
        },
      ),
    )
    expect(parseMetricLine(`[METRICS]${' '.repeat(500_000)}`).kind).toBe('broken')
  })
})
