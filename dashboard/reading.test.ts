import { describe, expect, it } from 'vitest'
import type { OutputSchema } from '../src/http/page-types.js'
import { readExplanation } from './explanation.js'
import { readAnswer, sentenceOf, showDistance } from './reading.js'

const outputs: readonly OutputSchema[] = [
  { name: 'species', type: 'string', role: 'answer' },
  { name: 'far', type: 'number', role: 'distance' },
  { name: 'sure', type: 'boolean', role: 'known', description: 'false: never seen' },
  { name: 'hue', type: 'string' },
]

describe('an answer', () => {
  it('is read by the roles of its schema, whatever the fields are called', () => {
    expect(readAnswer({ species: 'gull', far: 0.25, sure: true, hue: 'grey', more: 1 }, outputs)).toEqual({
      answer: { name: 'species', value: 'gull', description: undefined },
      distance: { name: 'far', value: 0.25, description: undefined },
      known: true,
      knownDescription: 'false: never seen',
      others: [{ name: 'hue', value: 'grey', description: undefined }],
    })
  })

  it.each([
    [{ species: 'gull', far: 0.25, sure: true }, 'Answer gull, distance 0.250.'],
    [{ species: 'gull', far: 2, sure: false }, 'Unknown, nearest is gull, distance 2.00.'],
    [{ species: 7 }, 'Answer 7.'],
  ])('is spoken in one sentence: %j', (value, sentence) => {
    const reading = readAnswer(value, outputs)
    expect(reading && sentenceOf(reading)).toBe(sentence)
  })

  it.each([[[1, 2]], ['text'], [null]])('is shown as it is when it is no object: %j', (value) => {
    expect(readAnswer(value, outputs)).toBeUndefined()
  })

  it('is shown as it is when the schema gives no roles', () => {
    expect(readAnswer({ a: 1 }, [{ name: 'a', type: 'number' }])).toBeUndefined()
  })

  it('leaves out a distance that is no number', () => {
    expect(readAnswer({ far: 'x' }, outputs)?.distance).toBeUndefined()
  })
})

it.each([
  [0.034117, '0.0341'],
  [12.345, '12.3'],
  [12345.6, '12346'],
])('a distance of %d is written %s', (distance, text) => {
  expect(showDistance(distance)).toBe(text)
})

describe('an explanation', () => {
  it('names neighbours and threshold', () => {
    const neighbours = [{ label: 7, dist: 0.5, id: 12, image: 'data:image/png;base64,AA==' }]
    expect(readExplanation({ neighbours, threshold: 0.4 })).toEqual({
      neighbours: [{ label: '7', distance: 0.5, id: '12', image: 'data:image/png;base64,AA==' }],
      threshold: 0.4,
    })
  })

  it('loads no picture from elsewhere', () => {
    const image = 'https://example.org/pixel.png'
    expect(
      readExplanation({ neighbours: [{ label: 'a', dist: 1, image }] }).neighbours[0]?.image,
    ).toBeUndefined()
  })

  it.each([undefined, [], { neighbours: 'none' }, { neighbours: [1, { label: 'a' }, { dist: 2 }] }])(
    'of another shape names none: %j',
    (value) => expect(readExplanation(value)).toEqual({ neighbours: [], threshold: undefined }),
  )
})
