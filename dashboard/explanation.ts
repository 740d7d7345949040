/**
 * Reads an explanation. The page shows two fields of it, whoever's handler made them: `neighbours`, a list of
 * `{ label, dist, id?, image? }` with pictures as data URLs, and `threshold`, the distance beyond which an answer is unknown.
 */
import { isObject } from './guards.js'

/** A stored example near to the input. */
export interface NeighbourReading {
  readonly label: string
  readonly distance: number
  readonly id: string | undefined
  /** A data URL of a picture. */
  readonly image: string | undefined
}

/** What an explanation says beyond the answer. */
export interface Explanation {
  readonly neighbours: readonly NeighbourReading[]
  readonly threshold: number | undefined
}

/** Fields of another shape are left out. */
export function readExplanation(value: unknown): Explanation {
  if (!isObject(value)) return { neighbours: [], threshold: undefined }
  const { neighbours, threshold } = value
  return {
    neighbours: Array.isArray(neighbours) ? neighbours.flatMap(neighbourOf) : [],
    threshold: typeof threshold === 'number' ? threshold : undefined,
  }
}

function neighbourOf(value: unknown): NeighbourReading[] {
  if (!isObject(value)) return []
  const { label, dist, id, image } = value
  if (typeof dist !== 'number' || (typeof label !== 'string' && typeof label !== 'number')) return []
  return [
    {
      label: String(label),
      distance: dist,
      id: typeof id === 'number' || typeof id === 'string' ? String(id) : undefined,
      // Only data: a picture from elsewhere would tell someone that it was looked at, and the page's policy refuses it.
      image: typeof image === 'string' && image.startsWith('data:image/') ? image : undefined,
    },
  ]
}
