/**
 * A run's state in a file, complete on disk or not there at all:
 *
 *     marina-checkpoint-2 <SHA-256 of all that follows, in hex>\n
 *     <JSON that says what follows>\n
 *     <values, 32-bit floats, little-endian>
 */
import { createHash, randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { invalidFile, messageOf } from '../errors.js'

/** What a checkpoint holds. */
export interface Checkpoint {
  /** Steps that have been run. */
  readonly step: number
  /** What the run is: a checkpoint of another network, loss, optimiser or seed is refused. */
  readonly fingerprint: string
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>
}

const FORMAT = 'marina-checkpoint-2'
/** Length of the first line, with its end. */
const SEAL_BYTES = FORMAT.length + 1 + 64 + 1

interface Head {
  readonly step: number
  readonly fingerprint: string
  readonly tensors: readonly {
    readonly name: string
    readonly shape: readonly number[]
    readonly length: number
  }[]
}

/** Writes a checkpoint beside `file`, syncs it, and puts it in its place. */
export async function writeCheckpoint(
  file: string,
  { step, fingerprint, tensors }: Checkpoint,
): Promise<void> {
  const head: Head = {
    step,
    fingerprint,
    tensors: [...tensors].map(([name, { shape, data }]) => ({ name, shape, length: data.length })),
  }
  const parts = [
    Buffer.from(`${JSON.stringify(head)}\n`),
    ...[...tensors.values()].map(({ data }) => bytesOf(data)),
  ]
  const beside = `${file}.${randomBytes(4).toString('hex')}.tmp`
  try {
    await writeParts(beside, [Buffer.from(sealOf(parts)), ...parts])
    await rename(beside, file)
  } catch (error) {
    await rm(beside, { force: true })
    throw invalidFile(file, `cannot be written: ${messageOf(error)}`, error)
  }
}

async function writeParts(file: string, parts: readonly Uint8Array[]): Promise<void> {
  const handle = await open(file, 'wx')
  try {
    for (const part of parts) await handle.writeFile(part)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function sealOf(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return `${FORMAT} ${hash.digest('hex')}\n`
}

/** Reads a checkpoint. @throws MarinaError `invalid-file` for one that is damaged anywhere */
export async function readCheckpoint(file: string): Promise<Checkpoint> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw invalidFile(file, `cannot be read: ${messageOf(error)}`, error)
  })
  const body = bytes.subarray(SEAL_BYTES)
  const seal = bytes.toString('latin1', 0, SEAL_BYTES)
  if (!seal.startsWith(`${FORMAT} `)) {
    throw invalidFile(file, 'is no checkpoint of a training run; delete it to start anew')
  }
  if (seal !== sealOf([body])) throw invalidFile(file, 'is damaged or cut short; delete it to start anew')
  // The seal fits, so what follows is what was written.
  const end = body.indexOf('\n') + 1
  const { step, fingerprint, tensors } = JSON.parse(body.toString('utf8', 0, end)) as Head
  let at = end
  const entries = tensors.map(({ name, shape, length }) => {
    const data = new Float32Array(new Uint8Array(body.subarray(at, at + 4 * length)).buffer)
    at += 4 * length
    return [name, { shape, data }] as const
  })
  return { step, fingerprint, tensors: new Map(entries) }
}

const bytesOf = (data: Float32Array) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
