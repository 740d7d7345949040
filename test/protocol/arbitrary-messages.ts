/** Random messages of the worker protocol, both ways, for the property tests of the codec. */
import fc from 'fast-check'
import type {
  BodyRef,
  DownMessage,
  JobKey,
  UpMessage,
  WireInput,
  WireJob,
  WireOutcome,
} from '../../src/protocol/messages.js'

const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const count = fc.nat()
const key = fc.integer({ min: 1, max: 2 ** 40 }) as fc.Arbitrary<JobKey>
const keys = fc.array(key, { maxLength: 4 })
const headers = fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true })

const body: fc.Arbitrary<BodyRef> = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((data) => ({ kind: 'inline' as const, data })),
  fc.record({ kind: fc.constant('file' as const), file: text, offset: count, bytes: count }),
)

const part = fc.record({ name: text, contentType: text, body }, { requiredKeys: ['name', 'body'] })
const tensor = fc.record({
  name: text,
  type: fc.constantFrom('float32' as const, 'int64' as const, 'string' as const),
  shape: fc.array(count, { maxLength: 4 }),
  body,
})
const input: fc.Arbitrary<WireInput> = fc.oneof(
  fc.record({ kind: fc.constant('parts' as const), parts: fc.array(part, { maxLength: 3 }) }),
  fc.record({ kind: fc.constant('tensors' as const), tensors: fc.array(tensor, { maxLength: 3 }) }),
)
// Casts below: fast-check types a key that may be absent as one that may be undefined.
const job = fc.record(
  {
    key,
    id: text,
    operation: fc.constantFrom('predict', 'explain', 'describe'),
    headers,
    sequenceId: text,
    input,
  },
  { requiredKeys: ['key', 'id', 'operation', 'headers', 'input'] },
) as fc.Arbitrary<WireJob>

const required = {
  kind: fc.constant('load' as const),
  model: text,
  version: text,
  modelDir: text,
  handler: text,
  batchSize: count,
  threads: count,
  device: text,
  retryItems: fc.boolean(),
}
const load = fc.record(
  { ...required, envelope: text, installedTs: fc.boolean() },
  { requiredKeys: Object.keys(required) as (keyof typeof required)[] },
)

/** What a server may send. */
export const downMessage: fc.Arbitrary<DownMessage> = fc.oneof(
  fc.record({ kind: fc.constant('hello' as const), version: count }),
  load,
  fc.record({
    kind: fc.constant('jobs' as const),
    start: fc.boolean(),
    jobs: fc.array(job, { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('cancel' as const), keys }),
  fc.constant({ kind: 'stop' as const }),
)

const timing = fc.record({ preprocessUs: count, inferenceUs: count, postprocessUs: count, batch: count })
const outcome = fc.oneof(
  fc.record({ kind: fc.constant('ok'), status: count, headers, body }),
  fc.record(
    {
      kind: fc.constant('failed'),
      reason: fc.constantFrom('rejected', 'exception', 'invalid-output', 'out-of-memory'),
      status: count,
      message: text,
      where: text,
      trace: text,
    },
    { requiredKeys: ['kind', 'reason', 'status', 'message'] },
  ),
) as fc.Arbitrary<WireOutcome>

/** What a worker may send. */
export const upMessage = fc.oneof(
  fc.record({ kind: fc.constant('hello'), version: count, pid: count, runtime: text }),
  fc.record({ kind: fc.constantFrom('loaded', 'credit'), credit: count }),
  fc.record(
    { kind: fc.constant('load-failed'), message: text, trace: text, outOfMemory: fc.boolean() },
    { requiredKeys: ['kind', 'message', 'outOfMemory'] },
  ),
  fc.record({ kind: fc.constantFrom('started', 'cancelled'), keys }),
  fc.record(
    { kind: fc.constant('chunk'), key, head: fc.record({ status: count, headers }), body },
    { requiredKeys: ['kind', 'key', 'body'] },
  ),
  fc.record({ kind: fc.constant('result'), key, outcome, timing }),
  fc.record(
    {
      kind: fc.constant('log'),
      level: fc.constantFrom('debug', 'info', 'warn', 'error'),
      message: text,
      id: text,
    },
    { requiredKeys: ['kind', 'level', 'message'] },
  ),
  fc.record({
    kind: fc.constant('metric'),
    name: text,
    type: fc.constantFrom('counter', 'gauge', 'histogram'),
    value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    unit: text,
    labels: headers,
  }),
) as fc.Arbitrary<UpMessage>

/** Where a stream is cut into pieces: lengths that repeat until it is used up. */
export const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 })

/** Cuts bytes into pieces of these lengths, over and over; each piece has a buffer of its own, as from a socket. */
export function cut(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    const length = lengths[pieces.length % lengths.length] ?? 1
    pieces.push(Uint8Array.from(bytes.subarray(at, at + length)))
    at += length
  }
  return pieces
}
