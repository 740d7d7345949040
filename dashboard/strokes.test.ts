import { describe, expect, it } from 'vitest'
import { blank, moveDrawing, paintStrokes, strokesOf, type Movement, type Pen } from './strokes.js'

const at = (x: number, y: number) => ({ x, y })
const draw = (...movements: Movement[]) => movements.reduce(moveDrawing, blank)
const line: Movement[] = [
  { kind: 'down', at: at(0, 0) },
  { kind: 'moved', through: [at(5, 5), at(9, 9)] },
  { kind: 'up' },
]

describe('a drawing', () => {
  it('keeps a stroke from pen down to pen up', () => {
    expect(draw(...line)).toEqual({ kind: 'resting', strokes: [[at(0, 0), at(5, 5), at(9, 9)]] })
  })

  it('ignores a pen that moves without being down', () => {
    expect(draw({ kind: 'moved', through: [at(1, 1)] }, { kind: 'up' })).toEqual(blank)
  })

  it('ends the first stroke where a second pen comes down', () => {
    expect(strokesOf(draw({ kind: 'down', at: at(0, 0) }, { kind: 'down', at: at(1, 1) }))).toHaveLength(2)
  })

  it('takes back its last stroke', () => {
    expect(
      strokesOf(draw(...line, { kind: 'down', at: at(1, 1) }, { kind: 'up' }, { kind: 'undone' })),
    ).toHaveLength(1)
  })

  it('has nothing to take back when it is blank', () => expect(draw({ kind: 'undone' })).toEqual(blank))
  it('is blank when it is cleared', () => expect(draw(...line, { kind: 'cleared' })).toEqual(blank))
})

it('a stroke is painted from its first point to its last, and a dot where it is a point', () => {
  const calls: string[] = []
  const note = (name: string) => (x?: number, y?: number) => void calls.push([name, x, y].join(' ').trim())
  const pen = {
    beginPath: note('begin'),
    moveTo: note('move'),
    quadraticCurveTo: (_x: number, _y: number, x: number, y: number) => note('curve')(x, y),
    lineTo: note('line'),
    stroke: note('stroke'),
  } as Partial<Pen> as Pen
  paintStrokes(pen, [[at(1, 2), at(3, 4)], [at(7, 7)]], 20)
  expect(calls.filter((call) => !call.startsWith('curve'))).toEqual([
    ...['begin', 'move 1 2', 'line 3 4', 'stroke'],
    ...['begin', 'move 7 7', 'line 7 7', 'stroke'],
  ])
  expect(pen).toMatchObject({ lineWidth: 20, lineCap: 'round' })
})
