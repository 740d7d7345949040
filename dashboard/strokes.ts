/** Strokes of a drawing, as data; coordinates are in pixels of the drawing that the model asks for. */

/** A place on the pad. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** One movement from pen down to pen up. */
export type Stroke = readonly [Point, ...Point[]]

/** Strokes that are done, and the one being made. */
export type Drawing =
  | { readonly kind: 'resting'; readonly strokes: readonly Stroke[] }
  | { readonly kind: 'drawing'; readonly strokes: readonly Stroke[]; readonly current: Stroke }

/** What a hand does. */
export type Movement =
  | { readonly kind: 'down'; readonly at: Point }
  | { readonly kind: 'moved'; readonly through: readonly Point[] }
  | { readonly kind: 'up' }
  | { readonly kind: 'undone' }
  | { readonly kind: 'cleared' }

/** Nothing drawn. */
export const blank: Drawing = { kind: 'resting', strokes: [] }

/** The next drawing. A second pen-down while one is down (a second finger) ends the first stroke. */
export function moveDrawing(drawing: Drawing, movement: Movement): Drawing {
  switch (movement.kind) {
    case 'down':
      return { kind: 'drawing', strokes: strokesOf(drawing), current: [movement.at] }
    case 'moved':
      if (drawing.kind === 'resting') return drawing
      return { ...drawing, current: [...drawing.current, ...movement.through] }
    case 'up':
      return { kind: 'resting', strokes: strokesOf(drawing) }
    case 'undone':
      return { kind: 'resting', strokes: strokesOf(drawing).slice(0, -1) }
    case 'cleared':
      return blank
    default:
      movement satisfies never
      return drawing
  }
}

/** All strokes, the one being made included. */
export function strokesOf(drawing: Drawing): readonly Stroke[] {
  return drawing.kind === 'resting' ? drawing.strokes : [...drawing.strokes, drawing.current]
}

/** What a stroke needs of a canvas. */
export type Pen = Pick<
  CanvasRenderingContext2D,
  'beginPath' | 'moveTo' | 'lineTo' | 'quadraticCurveTo' | 'stroke' | 'lineWidth' | 'lineCap' | 'lineJoin'
>

/** Draws strokes as smooth lines through the middles between their points. A stroke of one point is a dot. */
export function paintStrokes(pen: Pen, strokes: readonly Stroke[], widthPx: number): void {
  pen.lineWidth = widthPx
  pen.lineCap = 'round'
  pen.lineJoin = 'round'
  for (const stroke of strokes) {
    const [first] = stroke
    pen.beginPath()
    pen.moveTo(first.x, first.y)
    stroke.forEach((point, at) => {
      const next = stroke[at + 1] ?? point
      pen.quadraticCurveTo(point.x, point.y, (point.x + next.x) / 2, (point.y + next.y) / 2)
    })
    const last = stroke.at(-1) ?? first
    pen.lineTo(last.x, last.y)
    pen.stroke()
  }
}
