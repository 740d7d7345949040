/** Tells what a model or index file holds, reading only what it must: never the weights. */
import { messageOf } from '../errors.js'
import { MAX_HEAD_BYTES, parseHead } from '../vector/faiss-format.js'
import type { Metric } from '../vector/neighbours.js'
import { windowed, type RandomAccess } from './access.js'
import type { OnnxFacts } from './onnx.js'
import { readSafetensors, type SafetensorsFacts } from './safetensors.js'
import type { TorchFacts } from './torch.js'

export { memoryAccess, type RandomAccess } from './access.js'
export type { OnnxFacts } from './onnx.js'

/** A flat index of faiss. */
export interface IndexFacts {
  readonly kind: 'index'
  readonly count: number
  readonly dimension: number
  readonly metric: Metric
}

/** What a file holds. */
export type FileFacts =
  | OnnxFacts
  | TorchFacts
  | SafetensorsFacts
  | IndexFacts
  /** Told by its first bytes only. */
  | { readonly kind: 'other'; readonly format: string }
  /** Looks like `format` by its name or first bytes, and `why` it cannot be read as that. */
  | { readonly kind: 'unreadable'; readonly format: string; readonly why: string }

/** Whether a file of that name is worth a look. */
export const mayHoldModel = (name: string): boolean =>
  /\.(onnx|pt|pth|bin|ckpt|safetensors|faiss|index|gguf|h5|pb|tflite|ort|pkl|model|usearch)$/i.test(name)

/** The facts of a file; undefined when neither name nor first bytes tell anything. Throws only what `access` throws. */
export async function recognise(name: string, access: RandomAccess): Promise<FileFacts | undefined> {
  const near = windowed(access)
  const head = Buffer.concat([await near.read(0, Math.min(64, access.bytes)), Buffer.alloc(64)], 64)
  if (isZip(head)) return reading('PyTorch', async () => (await import('./torch.js')).readTorch(near))
  if (isOldTorch(head)) return { kind: 'other', format: 'PyTorch before 1.6 (a pickle)' }
  if (/\.onnx$/i.test(name)) return reading('ONNX', async () => (await import('./onnx.js')).readOnnx(near))
  if (/\.safetensors$/i.test(name)) return reading('safetensors', () => readSafetensors(near))
  if (/^I[A-Za-z][A-Za-z0-9]{2}$/.test(head.toString('latin1', 0, 4)) && /\.(faiss|index|bin)$/i.test(name))
    return reading('faiss index', () => readIndex(name, near))
  const magic = magics.find(({ at, bytes }) => head.subarray(at).indexOf(bytes) === 0)
  return magic && { kind: 'other', format: magic.format }
}

/** The first bytes of a zip, as PyTorch writes since 1.6. */
const isZip = (head: Buffer) => head.readUInt32LE(0) === 0x04034b50

/** The first bytes of what `torch.save` wrote before 1.6: protocol 2, then a number of its own. */
const isOldTorch = (head: Buffer) => head.includes(oldTorch) && head.readUInt16BE(0) === 0x8002
const oldTorch = Buffer.from('8a0a6cfc9c46f9206aa850', 'hex')

const magics = [
  { at: 0, bytes: Buffer.from('GGUF'), format: 'GGUF' },
  { at: 0, bytes: Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'), format: 'HDF5 (Keras)' },
  { at: 4, bytes: Buffer.from('TFL3'), format: 'TensorFlow Lite' },
  { at: 4, bytes: Buffer.from('ORTM'), format: 'ONNX Runtime (.ort)' },
  { at: 0, bytes: Buffer.from([0x80, 0x04, 0x95]), format: 'a pickle' },
  { at: 0, bytes: Buffer.from('usearch'), format: 'usearch index' },
]

async function readIndex(name: string, access: RandomAccess): Promise<IndexFacts> {
  const head = await access.read(0, Math.min(MAX_HEAD_BYTES, access.bytes))
  const { count, dimension, metric } = parseHead(head, { file: name, fileBytes: access.bytes })
  return { kind: 'index', count, dimension, metric }
}

async function reading<T extends FileFacts>(format: string, read: () => Promise<T>): Promise<FileFacts> {
  try {
    return await read()
  } catch (error) {
    return { kind: 'unreadable', format, why: messageOf(error) }
  }
}
