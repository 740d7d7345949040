/** From vectors or a file to an index, and from an index to a file: the life of an index around its search. */
import { availableParallelism } from 'node:os'
import { invalidFile, MarinaError, messageOf, misuse } from '../errors.js'
import { prepareFile, type PreparedFile } from './atomic-file.js'
import { checkInput, parseModelHash, type IndexInput, type StoredIndex } from './contents.js'
import { wrongModel } from './errors.js'
import { createExactIndex } from './exact.js'
import { readFaiss, writeFaiss } from './faiss-file.js'
import { checkSidecar, encodeSidecar, readSidecar, sidecarOf } from './sidecar.js'

/** What an index needs from the machine. */
export interface IndexOptions {
  /** Threads of one search, from 1; default: the cores that this process may use. */
  readonly threads?: number | undefined
}

/** How an index file is opened. */
export interface OpenOptions extends IndexOptions {
  /** SHA-256 (hex) of the embedding model in use; an index of another is refused. Unchecked when undefined. */
  readonly modelHash?: string | undefined
}

/**
 * Builds an index in memory. The caller closes it, and leaves `vectors` and `ids` alone from then on.
 * @throws MarinaError `invalid-shape` when vectors, ids and labels do not fit together or a vector is not finite (its row is
 * named); `misuse` for a model hash that is none
 */
export async function buildIndex(input: IndexInput, options: IndexOptions = {}): Promise<StoredIndex> {
  return createExactIndex(checkInput(input), { threads: threadsOf(options) })
}

/**
 * Opens an index file that Marina or faiss wrote (`IndexFlatL2`, `IndexFlatIP`, or an `IndexIDMap` of one of them), with the
 * labels and the model hash of its sidecar if there is one. The caller closes it.
 * @throws MarinaError `invalid-file` for a missing, damaged or foreign file, or one that its sidecar does not fit;
 * `wrong-model` when it is not of the model `modelHash`
 */
export async function openIndex(file: string, options: OpenOptions = {}): Promise<StoredIndex> {
  const sidecar = await readSidecar(file)
  const modelHash = sidecar?.modelHash
  if (options.modelHash !== undefined) {
    const wanted = parseModelHash(options.modelHash)
    if (modelHash !== wanted) throw wrongModel(file, { carried: modelHash, wanted })
  }
  const { contents, sha256 } = await readFaiss(file)
  if (sidecar) checkSidecar(sidecar, { file, contents, sha256 })
  const whole = { ...contents, labels: sidecar?.labels, modelHash }
  return createExactIndex(whole, { threads: threadsOf(options) }).catch((error: unknown) => {
    if (error instanceof MarinaError) throw invalidFile(file, messageOf(error), error)
    throw error
  })
}

function threadsOf({ threads = availableParallelism() }: IndexOptions): number {
  if (Number.isInteger(threads) && threads >= 1) return threads
  throw misuse(`threads must be a whole number from 1, not ${threads}`)
}

/**
 * Writes an index as a faiss file, and its sidecar `<file>.json` beside it. Both are complete on disk before either takes
 * its place; should the machine stop between the two, `openIndex` tells that they do not fit.
 */
export async function saveIndex(index: StoredIndex, file: string): Promise<void> {
  const { contents } = index
  let sha256 = ''
  const prepared: PreparedFile[] = []
  try {
    prepared.push(
      await prepareFile(file, async (handle) => {
        sha256 = await writeFaiss(handle, contents)
      }),
    )
    prepared.push(
      await prepareFile(sidecarOf(file), async (handle) => {
        await handle.writeFile(encodeSidecar(contents, sha256))
      }),
    )
    for (const one of prepared) await one.commit()
  } catch (error) {
    await Promise.all(prepared.map((one) => one.discard()))
    throw invalidFile(file, `cannot be written: ${messageOf(error)}`, error)
  }
}
