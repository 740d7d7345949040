/**
 * Which members of a `.mar` are kept as they are: deflating weights costs minutes and saves a few percent.
 */
import { basename, extname } from 'node:path'
import type { PackOptions } from './pack-options.js'

/** Weights, tensors and indexes; then formats that are compressed already. */
const storedExtensions: ReadonlySet<string> = new Set(
  [
    '.onnx .ort .data .pt .pth .bin .ckpt .safetensors .gguf .pb .tflite .h5 .engine',
    '.npy .npz .faiss .index .usearch',
    '.png .jpg .jpeg .webp .gif .mp3 .mp4 .ogg .flac .zip .gz .tgz .xz .zst .bz2 .whl .parquet',
  ].flatMap((line) => line.split(' ')),
)

/** Whether the member of that name is stored. */
export function isStored(name: string, options: PackOptions): boolean {
  if (options.archiveFormat === 'zip-store') return true
  if (options.store === 'nothing') return false
  const isWeights = options.serializedFile !== undefined && name === basename(options.serializedFile)
  return isWeights || storedExtensions.has(extname(name).toLowerCase())
}
