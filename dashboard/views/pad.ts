/** The drawing pad: strokes by mouse, pen or finger; and a stage on which a chosen picture is seen. */
import { el, fill } from '../dom.js'
import {
  blank,
  moveDrawing,
  paintStrokes,
  strokesOf,
  type Drawing,
  type Movement,
  type Point,
} from '../strokes.js'

/** A pad of the size that the model asks for. */
export interface PadOptions {
  readonly width: number
  readonly height: number
  readonly ground: 'dark' | 'light'
  /** A stroke has ended, and no other has begun for a moment: the drawing as PNG. */
  readonly drawn: (picture: Blob) => void
  /** Nothing is left of what was on the pad: it was cleared, or a new drawing begins. */
  readonly emptied: () => void
}

/** The pad, and what may be put on it. */
export interface Pad {
  readonly element: HTMLElement
  /** Shows a picture in place of a drawing. */
  present(picture: Blob): void
  clear(): void
}

/** A pen that rests this long has finished: short enough to feel at once, long enough to lift it within a figure. */
const REST_MS = 180
/** Width of the pen as a share of the pad: what a felt pen has on a note. */
const PEN = 1 / 14

/** Makes a pad. */
export function createPad(options: PadOptions): Pad {
  const { width, height, ground } = options
  const canvas = el('canvas', { role: 'img', 'aria-label': 'Drawing pad' })
  const stage = el('img', { class: 'stage', alt: '', hidden: true })
  const hint = el('p', { class: 'pad-hint', 'aria-hidden': 'true' }, 'draw here')
  const frame = el('div', { class: `pad ${ground}` }, canvas, stage, hint)
  frame.style.aspectRatio = `${width} / ${height}`
  const scale = Math.max(1, Math.ceil(devicePixelRatio * 1.5))
  canvas.width = width * scale
  canvas.height = height * scale

  let drawing: Drawing = blank
  let resting: ReturnType<typeof setTimeout> | undefined
  const move = (movement: Movement) => {
    drawing = moveDrawing(drawing, movement)
    paint(canvas, drawing, { scale, width })
    hint.hidden = strokesOf(drawing).length > 0 || !stage.hidden
  }
  const finish = () => {
    clearTimeout(resting)
    if (strokesOf(drawing).length === 0) options.emptied()
    else resting = setTimeout(() => void pictureOf(drawing, options).then(options.drawn), REST_MS)
  }
  const present = (picture: Blob | undefined) => {
    clearTimeout(resting)
    stage.hidden = picture === undefined
    URL.revokeObjectURL(stage.src)
    if (picture) stage.src = URL.createObjectURL(picture)
    move({ kind: 'cleared' })
  }
  const change = (movement: Movement) => {
    if (!stage.hidden) present(undefined)
    move(movement)
    finish()
  }
  followPointer(canvas, { width, height }, (movement) => {
    if (movement.kind === 'down') {
      clearTimeout(resting)
      if (!stage.hidden) present(undefined)
      if (strokesOf(drawing).length === 0) options.emptied()
    }
    move(movement)
    if (movement.kind === 'up') finish()
  })
  const undo = el(
    'button',
    { type: 'button', class: 'small', onclick: () => change({ kind: 'undone' }) },
    'Undo',
  )
  const clear = el(
    'button',
    { type: 'button', class: 'small', onclick: () => change({ kind: 'cleared' }) },
    'Clear',
  )
  const element = el('div', { class: 'pad-box' }, frame, el('div', { class: 'tools' }, undo, clear))
  return { element, present, clear: () => present(undefined) }
}

/** Tells movements in the drawing's own pixels. */
function followPointer(
  canvas: HTMLCanvasElement,
  { width, height }: { width: number; height: number },
  tell: (movement: Movement) => void,
): void {
  let pointer: number | undefined
  const place = ({ clientX, clientY }: PointerEvent): Point => {
    const box = canvas.getBoundingClientRect()
    return { x: ((clientX - box.x) / box.width) * width, y: ((clientY - box.y) / box.height) * height }
  }
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || pointer !== undefined) return
    pointer = event.pointerId
    canvas.setPointerCapture(pointer)
    tell({ kind: 'down', at: place(event) })
  })
  canvas.addEventListener('pointermove', (event) => {
    if (event.pointerId !== pointer) return
    const events = event.getCoalescedEvents()
    tell({ kind: 'moved', through: (events.length > 0 ? events : [event]).map(place) })
  })
  const lift = (event: PointerEvent) => {
    if (event.pointerId !== pointer) return
    pointer = undefined
    tell({ kind: 'up' })
  }
  canvas.addEventListener('pointerup', lift)
  canvas.addEventListener('pointercancel', lift)
}

function paint(
  canvas: HTMLCanvasElement,
  drawing: Drawing,
  { scale, width }: { scale: number; width: number },
): void {
  const pen = canvas.getContext('2d')
  if (!pen) return
  pen.setTransform(1, 0, 0, 1, 0, 0)
  pen.clearRect(0, 0, canvas.width, canvas.height)
  pen.setTransform(scale, 0, 0, scale, 0, 0)
  pen.strokeStyle = getComputedStyle(canvas).color
  paintStrokes(pen, strokesOf(drawing), width * PEN)
}

/** The drawing as the model gets it: its own size, pure black and white. */
async function pictureOf(
  drawing: Drawing,
  { width, height, ground }: Pick<PadOptions, 'width' | 'height' | 'ground'>,
): Promise<Blob> {
  const sheet = new OffscreenCanvas(width, height)
  const pen = sheet.getContext('2d')
  if (!pen) throw new Error('This browser gives no canvas to draw on.')
  pen.fillStyle = ground === 'dark' ? '#000' : '#fff'
  pen.fillRect(0, 0, width, height)
  pen.strokeStyle = ground === 'dark' ? '#fff' : '#000'
  paintStrokes(pen, strokesOf(drawing), width * PEN)
  return sheet.convertToBlob({ type: 'image/png' })
}

/** Where a picture is not drawn but chosen. */
export function createStage(): {
  readonly element: HTMLElement
  present(picture: Blob): void
  clear(): void
} {
  const element = el('div', { class: 'stage-box' })
  return {
    element,
    present: (picture) =>
      fill(
        element,
        el('img', { class: 'stage', src: URL.createObjectURL(picture), alt: 'The chosen picture' }),
      ),
    clear: () => fill(element),
  }
}
