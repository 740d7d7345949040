/** From any picture of one digit to the 28×28 bytes that the network was trained on. */
import sharp from 'sharp'
import { failure, type Failure, type Part } from 'marina'
import { decodeSmallPng } from './small-png.js'

/** Side of an MNIST image in pixels; a digit fills a box of {@link BOX} pixels within it. */
export const SIDE = 28
const BOX = 20
/** A pixel this far above the ground (0–255) is ink. */
const INK = 40
/** Larger pictures are refused by their header, before anything is decoded: 4,096 × 4,096. */
const MAX_PIXELS = 4096 * 4096
/** Pictures are shrunk to this side before the ink is looked for: enough for a box of 20 pixels. */
const WORK_SIDE = 400

/** A grey picture, one byte a pixel, light ink on dark ground. */
interface Grey {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
}

/**
 * Reads one request's picture: 784 raw bytes are taken as they are, and so is a 28×28 picture on dark ground; anything
 * else is taken for a drawing or photograph of one digit, and centred as MNIST's were.
 */
export async function toDigit(part: Part | undefined): Promise<Uint8Array | Failure> {
  if (!part || part.data.length === 0)
    return failure(400, 'The request holds no image: send one as the body or as the form field "data".')
  const raw = part.contentType === undefined || part.contentType === 'application/octet-stream'
  if (raw && part.data.length === SIDE * SIDE) return withInk(part.data)
  try {
    const grey = await decode(part.data)
    if (grey.width === SIDE && grey.height === SIDE && groundOf(grey) < 128) return withInk(grey.data)
    return (await centre(lightOnDark(grey))) ?? blank()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return failure(
      400,
      `The body is not an image that can be read: ${why}. Send PNG, JPEG, WebP, or 784 raw bytes.`,
    )
  }
}

const blank = () => failure(400, 'The image is blank: no ink was found on its ground.')

const withInk = (digit: Uint8Array): Uint8Array | Failure =>
  digit.some((value) => value >= INK) ? digit : blank()

async function decode(data: Uint8Array): Promise<Grey> {
  const small = decodeSmallPng(data, SIDE)
  if (small) return { data: small, width: SIDE, height: SIDE }
  const image = sharp(data, { limitInputPixels: MAX_PIXELS, failOn: 'truncated', pages: 1 })
  const { width, height, hasAlpha } = await image.metadata()
  if (Math.max(width, height) > WORK_SIDE) image.resize(WORK_SIDE, WORK_SIDE, { fit: 'inside' })
  // A transparent ground takes the colour that shows the ink: white below dark strokes, black below light ones.
  if (hasAlpha) image.flatten({ background: (await isLightInk(data)) ? 'black' : 'white' })
  const { data: grey, info } = await image
    .greyscale()
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { data: grey, width: info.width, height: info.height }
}

/** Whether what is opaque in a picture with alpha is light. */
async function isLightInk(data: Uint8Array): Promise<boolean> {
  const options = { limitInputPixels: MAX_PIXELS, pages: 1 }
  const small = sharp(data, options).resize(WORK_SIDE, WORK_SIDE, { fit: 'inside', withoutEnlargement: true })
  const pixels = await small.toColourspace('srgb').ensureAlpha().raw().toBuffer()
  let weight = 0
  let sum = 0
  for (let at = 0; at + 3 < pixels.length; at += 4) {
    const alpha = pixels[at + 3] ?? 0
    weight += alpha
    sum += (alpha * ((pixels[at] ?? 0) + (pixels[at + 1] ?? 0) + (pixels[at + 2] ?? 0))) / 3
  }
  return weight > 0 && sum / weight >= 128
}

/** The median of a picture's border: the colour of its ground. */
function groundOf({ data, width, height }: Grey): number {
  const border: number[] = []
  for (let x = 0; x < width; x++) border.push(data[x] ?? 0, data[(height - 1) * width + x] ?? 0)
  for (let y = 0; y < height; y++) border.push(data[y * width] ?? 0, data[y * width + width - 1] ?? 0)
  border.sort((a, b) => a - b)
  return border[border.length >> 1] ?? 0
}

/** Turns dark ink on light ground over, takes the ground away, and stretches the ink to full brightness. */
function lightOnDark(grey: Grey): Grey {
  const ground = groundOf(grey)
  const sign = ground >= 128 ? -1 : 1
  const above = grey.data.map((value) => Math.max(0, Math.min(255, sign * (value - ground))))
  const peak = above.reduce((most, value) => Math.max(most, value), 0)
  return {
    ...grey,
    data: peak < INK ? new Uint8Array(above.length) : above.map((value) => (value * 255) / peak),
  }
}

/**
 * Fits the ink into a box of 20×20 and puts its centre of mass at (14, 14), as MNIST was made: over the test images the
 * mean centre is at column 14.00 and row 13.99, counted from 0.
 */
async function centre(grey: Grey): Promise<Uint8Array | undefined> {
  const box = inkBox(grey)
  if (!box) return undefined
  const scale = BOX / Math.max(box.width, box.height)
  const width = Math.max(1, Math.round(box.width * scale))
  const height = Math.max(1, Math.round(box.height * scale))
  const data = await sharp(grey.data, { raw: { width: grey.width, height: grey.height, channels: 1 } })
    .extract(box)
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .toColourspace('b-w')
    .raw()
    .toBuffer()
  return placeByMass({ data, width, height })
}

function inkBox({ data, width, height }: Grey) {
  let [left, top, right, bottom] = [width, height, -1, -1]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if ((data[y * width + x] ?? 0) < INK) continue
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y)
    }
  }
  return right < 0 ? undefined : { left, top, width: right - left + 1, height: bottom - top + 1 }
}

function placeByMass({ data, width, height }: Grey): Uint8Array {
  let [mass, sumX, sumY] = [0, 0, 0]
  data.forEach((value, at) => {
    mass += value
    sumX += value * (at % width)
    sumY += value * Math.floor(at / width)
  })
  const offset = (sum: number, size: number) =>
    Math.max(0, Math.min(SIDE - size, Math.round(SIDE / 2 - (mass > 0 ? sum / mass : size / 2))))
  const [left, top] = [offset(sumX, width), offset(sumY, height)]
  const digit = new Uint8Array(SIDE * SIDE)
  for (let y = 0; y < height; y++)
    digit.set(data.subarray(y * width, (y + 1) * width), (top + y) * SIDE + left)
  return digit
}
