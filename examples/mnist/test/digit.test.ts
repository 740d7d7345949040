/** Any picture of a digit becomes MNIST's 28×28: what is taken as it is, what is centred, what is refused. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { toDigit } from '../digit.js'
import { decodeSmallPng } from '../small-png.js'

const sample = (name: string) => readFile(join(import.meta.dirname, '../samples', name))
const part = (data: Uint8Array, contentType?: string) => ({ name: 'body', contentType, data })
const digitOf = async (data: Uint8Array, contentType?: string): Promise<Uint8Array> => {
  const digit = await toDigit(part(data, contentType))
  if (!(digit instanceof Uint8Array)) throw new Error(digit.text)
  return digit
}
const refusalOf = async (data: Uint8Array, contentType?: string) => {
  const digit = await toDigit(part(data, contentType))
  if (digit instanceof Uint8Array) throw new Error('was accepted')
  return digit
}
const grey = (file: Buffer) => sharp(file).greyscale().toColourspace('b-w').raw().toBuffer()
const distance = (a: Uint8Array, b: Uint8Array) =>
  Math.sqrt(a.reduce((sum, value, at) => sum + (value - (b[at] ?? 0)) ** 2, 0)) / (255 * Math.sqrt(a.length))

describe('taken as it is', () => {
  test('784 raw bytes', async () => {
    const bytes = Uint8Array.from({ length: 784 }, (_, at) => at % 256)
    expect(await digitOf(bytes, 'application/octet-stream')).toEqual(bytes)
  })

  test('a 28×28 PNG on dark ground, bit for bit', async () => {
    const png = await sample('7.png')
    expect(Buffer.from(await digitOf(png, 'image/png'))).toEqual(await grey(png))
  })
})

describe('a PNG of a digit’s size is read as sharp reads it', () => {
  const pixels = Uint8Array.from({ length: 784 }, (_, at) => (at * 7919) % 251)
  const raw = (channels: 1 | 3 | 4, data: Uint8Array) =>
    sharp(data, { raw: { width: 28, height: 28, channels } })
  const spread = (channels: number, of: (value: number, channel: number) => number) =>
    Uint8Array.from({ length: 784 * channels }, (_, at) =>
      of(pixels[Math.floor(at / channels)] ?? 0, at % channels),
    )
  const opaque = spread(4, (value, channel) => (channel === 3 ? 255 : value))
  const kinds = {
    'one channel': () => raw(1, pixels).toColourspace('b-w').png().toBuffer(),
    'three equal channels': () => raw(1, pixels).png().toBuffer(),
    'four, opaque': () => raw(4, opaque).png().toBuffer(),
    interlaced: () => raw(1, pixels).png({ progressive: true }).toBuffer(),
  }
  test.each(Object.entries(kinds))('%s', async (_, make) => {
    const png = await make()
    expect(decodeSmallPng(png, 28)).toEqual(new Uint8Array(await grey(png)))
  })

  const others = {
    colours: () =>
      raw(
        3,
        spread(3, (value, channel) => value * Number(channel === 0)),
      )
        .png()
        .toBuffer(),
    'a palette': () => raw(1, pixels).png({ palette: true }).toBuffer(),
    'a transparent ground': () =>
      raw(
        4,
        spread(4, (value) => value),
      )
        .png()
        .toBuffer(),
    'a profile': () =>
      raw(
        3,
        spread(3, (value) => value),
      )
        .withIccProfile('p3')
        .png()
        .toBuffer(),
    'another size': () =>
      sharp(pixels, { raw: { width: 14, height: 56, channels: 1 } })
        .png()
        .toBuffer(),
    'a JPEG': () => raw(1, pixels).jpeg().toBuffer(),
    'half a file': async () => (await raw(1, pixels).png().toBuffer()).subarray(0, 400),
    'a changed byte': async () => {
      const png = await raw(1, pixels).png().toBuffer()
      png[png.length >> 1]! ^= 1
      return png
    },
  }
  test.each(Object.entries(others))('%s is left to sharp', async (_, make) => {
    expect(decodeSmallPng(await make(), 28)).toBeUndefined()
  })
})

describe('centred as MNIST was', () => {
  test('a photo of dark ink on light paper becomes nearly the digit it was made from', async () => {
    const photo = await digitOf(await sample('7-photo.jpg'), 'image/jpeg')
    expect(distance(photo, await grey(await sample('7.png')))).toBeLessThan(0.12)
  })

  test.each([
    ['dark ink on a transparent ground', '#000', undefined],
    ['light ink on a transparent ground', '#fff', undefined],
    ['light ink on dark ground', '#fff', '#000'],
    ['dark ink on light ground', '#123', '#fed'],
  ])('%s gives the same digit', async (_, ink, ground) => {
    const draw = (stroke: string, background: string | undefined) =>
      sharp(
        Buffer.from(
          `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200">${background ? `<rect width="300" height="200" fill="${background}"/>` : ''}<path d="M60 40 L60 160" stroke="${stroke}" stroke-width="16"/></svg>`,
        ),
      )
        .png()
        .toBuffer()
    const expected = await digitOf(await draw('#fff', '#000'), 'image/png')
    expect(distance(await digitOf(await draw(ink, ground), 'image/png'), expected)).toBeLessThan(0.02)
  })

  test('the longer side fills 20 pixels and the centre of mass is at 14', async () => {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="240"><rect width="90" height="240"/><circle cx="20" cy="30" r="15" fill="#fff"/><rect x="15" y="30" width="10" height="100" fill="#fff"/></svg>'
    const digit = await digitOf(await sharp(Buffer.from(svg)).png().toBuffer(), 'image/png')
    const rows = Array.from({ length: 28 }, (_, y) =>
      digit.subarray(y * 28, (y + 1) * 28).some((value) => value > 40),
    )
    expect(rows.filter(Boolean).length).toBeGreaterThanOrEqual(19)
    expect(rows.filter(Boolean).length).toBeLessThanOrEqual(21)
    const mass = digit.reduce((sum, value) => sum + value, 0)
    const x = digit.reduce((sum, value, at) => sum + value * (at % 28), 0) / mass
    expect(Math.abs(x - 14)).toBeLessThan(0.75)
  })
})

describe('refused with 400 and the cause', () => {
  test('no part, an empty part', async () => {
    expect(await toDigit(undefined)).toMatchObject({ status: 400 })
    expect(await refusalOf(new Uint8Array())).toMatchObject({
      status: 400,
      text: expect.stringContaining('no image') as string,
    })
  })

  test('text', async () => {
    expect(await refusalOf(Buffer.from('seven'), 'text/plain')).toMatchObject({
      status: 400,
      text: expect.stringMatching(/not an image/) as string,
    })
  })

  test('a truncated PNG', async () => {
    const png = await sample('scribble.png')
    expect(await refusalOf(png.subarray(0, png.length / 2), 'image/png')).toMatchObject({ status: 400 })
  })

  test('a picture of 10,000×10,000 pixels, before it is decoded', async () => {
    const huge = await sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: '#000' } })
      .png()
      .toBuffer()
    expect(await refusalOf(huge, 'image/png')).toMatchObject({
      status: 400,
      text: expect.stringMatching(/pixel/) as string,
    })
  })

  test.each([
    ['a blank sheet', { width: 200, height: 200, channels: 3, background: '#fff' }],
    ['28×28 pixels of black', { width: 28, height: 28, channels: 3, background: '#000' }],
  ] as const)('%s', async (_, create) => {
    const blank = await sharp({ create }).png().toBuffer()
    expect(await refusalOf(blank, 'image/png')).toMatchObject({
      status: 400,
      text: expect.stringMatching(/blank/) as string,
    })
  })

  test('784 raw bytes without ink', async () => {
    expect(await refusalOf(new Uint8Array(784).fill(12), 'application/octet-stream')).toMatchObject({
      status: 400,
      text: expect.stringMatching(/blank/) as string,
    })
  })
})
