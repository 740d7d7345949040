/**
 * The single-precision half of exact search, in ONNX Runtime: scores of all rows by `Gemm`, the best of them by `TopK`.
 * A score is `x·q` for inner product and `x·q - |x|²/2` for L2, so that in both the highest is the nearest.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { IndexContents } from './contents.js'
import type { Query } from './rank.js'
import { encodeScoreGraph } from './score-graph.js'

/** The best-scored rows of one query. */
export interface Candidates {
  readonly rows: Uint32Array
  /** The lowest of their scores: no other row has a higher one. */
  readonly worstScore: number
}

/** Proposes candidates. Its owner releases it, and never while a search runs. */
export interface Scorer {
  /** The `width` best-scored rows of each query, in order of the queries. `width` is at most the number of rows. */
  candidates(queries: readonly Query[], width: number): Promise<readonly Candidates[]>
  release(): Promise<void>
}

/**
 * Most scores that are in memory at once: 24 MiB, below the 32 MiB from which glibc gives freed memory back and every run
 * would pay its page faults anew. At 60,000 rows this is a batch of 100.
 */
const MAX_SCORES = 6 * 1024 * 1024

/** The most bytes of vectors that a scorer loads: an ONNX file ends at protobuf's 2 GiB, and holds a little more than them. */
export const MAX_VECTOR_BYTES = 2 ** 31 - 2 ** 26

/** Loads the vectors of an index, which must not be empty, into a session; `norms` are the lengths of its rows. */
export async function createScorer(
  contents: IndexContents,
  { norms, threads }: { norms: Float64Array; threads: number },
): Promise<Scorer> {
  const { vectors, dimension, count } = contents
  const bias = contents.metric === 'l2' ? Float32Array.from(norms, (norm) => -(norm ** 2) / 2) : undefined
  const session = await InferenceSession.create(
    encodeScoreGraph({ vectors, dimension, bias }),
    sessionOptions(threads),
  )
  const queriesPerRun = Math.max(1, Math.floor(MAX_SCORES / count))
  return {
    async candidates(queries, width) {
      const found: Candidates[] = []
      for (let start = 0; start < queries.length; start += queriesPerRun) {
        const some = queries.slice(start, start + queriesPerRun)
        const values = gather(some, dimension)
        found.push(...(await run(session, { values, rows: some.length, width })))
      }
      return found
    },
    release: () => session.release(),
  }
}

const sessionOptions = (threads: number): InferenceSession.SessionOptions => ({
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  // The number of queries varies, so a remembered plan of the memory would hardly ever fit.
  enableMemPattern: false,
  // Threads that wait by spinning win some 20 µs and burn a core for 40 ms after each search, which a server has better use for.
  extra: { session: { intra_op: { allow_spinning: '0' } } },
})

async function run(
  session: InferenceSession,
  { values, rows, width }: { values: Float32Array; rows: number; width: number },
): Promise<Candidates[]> {
  const results = await session.run({
    queries: new Tensor('float32', values, [rows, values.length / rows]),
    width: new Tensor('int64', BigInt64Array.of(BigInt(width)), [1]),
  })
  const scores = floatsOf(results['scores'])
  const best = rowsOf(results['rows'])
  return Array.from({ length: rows }, (_, i) => ({
    rows: best.subarray(i * width, (i + 1) * width),
    worstScore: scores[(i + 1) * width - 1] ?? Infinity,
  }))
}

function floatsOf(tensor: InferenceSession.ReturnType[string] | undefined): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data
  throw new TypeError('the score graph answered no scores')
}

/** Row numbers are the lower halves of the little-endian 64-bit numbers that TopK gives. */
function rowsOf(tensor: InferenceSession.ReturnType[string] | undefined): Uint32Array {
  if (!(tensor?.data instanceof BigInt64Array)) throw new TypeError('the score graph answered no rows')
  const { buffer, byteOffset, length } = tensor.data
  const halves = new Uint32Array(buffer, byteOffset, 2 * length)
  const rows = new Uint32Array(length)
  for (let i = 0; i < length; i++) rows[i] = halves[2 * i] ?? 0
  return rows
}

/** The queries one after the other: a view where they stand so already, as in every first try. */
function gather(queries: readonly Query[], dimension: number): Float32Array {
  const first = queries[0]
  const last = queries.at(-1)
  if (!first || !last) return new Float32Array(0)
  if (last.at - first.at === (queries.length - 1) * dimension)
    return first.values.subarray(first.at, last.at + dimension)
  const gathered = new Float32Array(queries.length * dimension)
  queries.forEach(({ values, at }, i) => {
    gathered.set(values.subarray(at, at + dimension), i * dimension)
  })
  return gathered
}
