/** Metrics files: what they define, and what is said of those that are wrong (contract metrics §3, §11, §13.8). */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readDefinitions } from './read-definitions.js'

const read = (text: string) => readDefinitions(text, 'metrics.yaml')

test('a file of both sections is read, anchors and all', () => {
  const path = new URL('../../test/compat/metrics/metrics.yaml', import.meta.url)
  const { definitions, problems } = readDefinitions(readFileSync(path, 'utf8'), 'metrics.yaml')
  expect(problems).toEqual([])
  expect(definitions.frontend[0]).toEqual({
    name: 'Requests2XX',
    type: 'counter',
    unit: 'Count',
    dimensions: ['Where', 'Hostname'],
  })
  expect(definitions.frontend.map(({ name, type }) => `${type} ${name}`)).toContain('histogram QueueTime')
  expect(definitions.model.map(({ name }) => name)).toContain('DeclaredPlain')
})

test('a list of dimensions that several metrics share belongs to each of them', () => {
  const { definitions } = read(
    'dimensions: &all [a]\nmodel_metrics:\n  gauge:\n' +
      '    - {name: x, unit: u, dimensions: *all}\n    - {name: y, unit: u, dimensions: *all}\n',
  )
  const [x, y] = definitions.model
  expect([x?.dimensions, y?.dimensions]).toEqual([['a'], ['a']])
  expect(x?.dimensions).not.toBe(y?.dimensions)
})

describe('what is wrong is named with its line, and the rest counts', () => {
  const rest = '\n    - {name: good, unit: u, dimensions: []}\n'
  test.each([
    ['mode: log\nmodel_metrics:\n  gauge:' + rest, /^metrics\.yaml:1: the key "mode" is unknown/],
    [
      'model_metrics:\n  timer:\n    - {}\n  gauge:' + rest,
      /^metrics\.yaml:3: model_metrics\.timer is no type/,
    ],
    [
      'model_metrics:\n  gauge:\n    - {unit: u, dimensions: []}' + rest,
      /^metrics\.yaml:3: model_metrics\.gauge\[0\] must have name/,
    ],
    [
      'model_metrics:\n  gauge:\n    - {name: x, dimensions: []}' + rest,
      /^metrics\.yaml:3: .*must have unit/,
    ],
    ['model_metrics:\n  gauge:\n    - {name: x, unit: u}' + rest, /^metrics\.yaml:3: .*must have dimensions/],
    [
      'model_metrics:\n  gauge:\n    - {name: x, unit: u, dimensions: [1]}' + rest,
      /^metrics\.yaml:3: .*must have dimensions/,
    ],
    [
      'model_metrics:\n  gauge:\n    - just a text' + rest,
      /^metrics\.yaml:3: model_metrics\.gauge\[0\] must be a mapping/,
    ],
    ['ts_metrics: [1]\nmodel_metrics:\n  gauge:' + rest, /^metrics\.yaml:1: ts_metrics must be a mapping/],
    [
      'model_metrics:\n  counter: text\n  gauge:' + rest,
      /^metrics\.yaml:2: model_metrics\.counter must be a list/,
    ],
    [
      'model_metrics:\n  counter:\n    - {name: good, unit: u, dimensions: []}\n  gauge:' + rest,
      /^metrics\.yaml:5: model_metrics has two metrics named good/,
    ],
  ])('%j', (text, problem) => {
    const { definitions, problems } = read(text)
    expect(problems[0]).toMatch(problem)
    expect(definitions.model.map(({ name }) => name)).toEqual(['good'])
  })
})

test.each([
  ['a: [', /^metrics\.yaml:\d+:\d+: /],
  ['ts_metrics: *nobody', /^metrics\.yaml: line 1: there is no anchor &nobody/],
  ['', /^metrics\.yaml:1: the file must be a mapping/],
  ['- a list', /^metrics\.yaml:1: the file must be a mapping/],
])('of %j nothing can be used', (text, problem) => {
  const { definitions, problems } = read(text)
  expect(problems[0]).toMatch(problem)
  expect(definitions).toEqual({ frontend: [], model: [] })
})

test('a file that grows when its aliases are followed is refused', () => {
  const levels = Array.from(
    { length: 9 },
    (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`,
  )
  const { problems } = read(`l0: &l0 [a, a]\n${levels.join('\n')}\n`)
  expect(problems.join()).toMatch(/alias/i)
})

test('sections may be missing, and keys may be called anything', () => {
  expect(read('ts_metrics:\n').problems).toEqual([])
  expect(read('__proto__: 1\n').problems).toEqual([expect.stringContaining('"__proto__" is unknown')])
})

test('no text makes it throw', () => {
  const piece = fc.constantFrom(
    'ts_metrics',
    'model_metrics',
    'gauge',
    ':',
    '\n',
    '  ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    'name',
    '&a',
    '*a',
    '? ',
    '!!x ',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      expect(Array.isArray(read(pieces.join('')).problems)).toBe(true)
    }),
  )
})
