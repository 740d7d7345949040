/**
 * What a PyTorch file holds. Since 1.6 it is a zip of stored members below one folder: `data.pkl`, tensors in `data/`, and
 * of TorchScript `code/` and `constants.pkl`; only the directory and `data.pkl` are read.
 */
import * as yauzl from 'yauzl'
import { Readable } from 'node:stream'
import type { RandomAccess } from './access.js'
import { importsOf } from './pickle.js'

/** A PyTorch file. */
export type TorchFacts = {
  /** Files of tensors; several tensors may share one. */
  readonly tensors: number
  readonly tensorBytes: number
} & (
  | { readonly kind: 'torchscript' }
  | { readonly kind: 'state-dict' }
  /** A whole module or anything else: `imports` are what unpickling it would call, beyond tensors. */
  | { readonly kind: 'pickled-module'; readonly imports: readonly string[] }
)

/** A larger one is no list of tensors. */
const MAX_PICKLE_BYTES = 32 << 20
const MAX_MEMBERS = 200_000

/** Throws an `Error` that says why this is no PyTorch file. */
export async function readTorch(access: RandomAccess): Promise<TorchFacts> {
  const zip = await openZip(access)
  const entries = await entriesOf(zip)
  const names = entries.map(({ fileName }) => fileName.slice(fileName.indexOf('/') + 1))
  const pickle = entries.find((_, at) => names[at] === 'data.pkl')
  if (!pickle) throw new Error('it is a zip without data.pkl')
  const tensors = entries.filter((_, at) => /^data\/\d+$/.test(names[at] ?? ''))
  const facts = {
    tensors: tensors.length,
    tensorBytes: tensors.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0),
  }
  if (names.includes('constants.pkl') || names.some((name) => name.startsWith('code/')))
    return { kind: 'torchscript', ...facts }
  if (pickle.uncompressedSize > MAX_PICKLE_BYTES) throw new Error('its data.pkl is too large to look into')
  const imports = importsOf(await readEntry(zip, pickle)).filter((name) => !isOfTensors(name))
  return imports.length === 0
    ? { kind: 'state-dict', ...facts }
    : { kind: 'pickled-module', ...facts, imports }
}

/** What a dictionary of tensors and plain values needs, and nothing that could do harm. */
function isOfTensors(name: string): boolean {
  return (
    name === 'collections.OrderedDict' ||
    /^torch(\.storage)?\.(\w+Storage|Size|device|dtype|\w*(float|int|bool)\w*)$/.test(name) ||
    /^torch\._utils\._rebuild_\w+$/.test(name) ||
    name === 'torch._tensor._rebuild_from_type_v2'
  )
}

/** yauzl reads ranges by streams. */
class AccessReader extends yauzl.RandomAccessReader {
  readonly #access: RandomAccess

  constructor(access: RandomAccess) {
    super()
    this.#access = access
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const access = this.#access
    const pieces = async function* () {
      for (let at = start; at < end; at += PIECE_BYTES)
        yield await access.read(at, Math.min(PIECE_BYTES, end - at))
    }
    return Readable.from(pieces())
  }
}

const PIECE_BYTES = 1 << 20

function openZip(access: RandomAccess): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    const options = { lazyEntries: true, autoClose: false }
    yauzl.fromRandomAccessReader(new AccessReader(access), access.bytes, options, (error, zip) =>
      error ? reject(error) : resolve(zip),
    )
  })
}

function entriesOf(zip: yauzl.ZipFile): Promise<yauzl.Entry[]> {
  if (zip.entryCount > MAX_MEMBERS) throw new Error(`it has ${zip.entryCount} members`)
  return new Promise((resolve, reject) => {
    const entries: yauzl.Entry[] = []
    zip.on('entry', (entry: yauzl.Entry) => {
      entries.push(entry)
      zip.readEntry()
    })
    zip.once('end', () => resolve(entries))
    zip.once('error', reject)
    zip.readEntry()
  })
}

async function readEntry(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Buffer> {
  const stream = await new Promise<Readable>((resolve, reject) => {
    zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened)))
  })
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
