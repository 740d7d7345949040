/** The pictures of the index, row by row, so that an explanation can show which images were near. */
import { readNpy } from 'marina/training'
import type { Neighbour } from 'marina/vector'
import sharp from 'sharp'
import { SIDE } from './digit.js'

const PIXELS = SIDE * SIDE

/** One neighbour as an explanation gives it; `image` is a PNG as data URL. */
export type NeighbourPicture = {
  readonly id: number
  readonly label: string
  readonly dist: number
  readonly image: string
}

/** A 28×28 picture as a PNG data URL. */
export async function pictureOf(pixels: Uint8Array): Promise<string> {
  const raw = { width: SIDE, height: SIDE, channels: 1 as const }
  const png = await sharp(pixels, { raw }).png({ compressionLevel: 9 }).toBuffer()
  return `data:image/png;base64,${png.toString('base64')}`
}

/** Opens a `u1 [rows, 28, 28]` file; the returned function shows neighbours of the index whose rows these are. */
export async function openThumbnails(file: string) {
  const { data } = await readNpy(file)
  if (!(data instanceof Uint8Array)) throw new Error(`${file} holds no bytes`)
  return (neighbours: readonly Neighbour[]): Promise<NeighbourPicture[]> =>
    Promise.all(
      neighbours.map(async ({ row, id, label, dist }) => ({
        id: Number(id),
        label: label ?? '?',
        dist,
        image: await pictureOf(data.subarray(row * PIXELS, (row + 1) * PIXELS)),
      })),
    )
}
