/**
 * What a received header must look like before it is taken for a message: a worker runs other people's code, so its bytes
 * are not trusted to be what its version promises. Only what the receiver will act on is looked at.
 */
import { brokenFrame } from './frame.js'
import type { DownMessage, UpMessage } from './messages.js'

/** A parsed header that is at least an object. */
export type HeaderFields = Readonly<Record<string, unknown>>

interface Rule {
  readonly test: (value: unknown) => boolean
  /** Completes "must be …". */
  readonly words: string
}

/** Field and rule; lists, since each message of each job goes through them. */
type Rules = readonly (readonly [string, Rule])[]
const fields = (rules: Readonly<Record<string, Rule>>): Rules => Object.entries(rules)

const whole: Rule = {
  test: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  words: 'a whole number from 0',
}
const text: Rule = { test: (value) => typeof value === 'string', words: 'a string' }
const flag: Rule = { test: (value) => typeof value === 'boolean', words: 'true or false' }
const list: Rule = { test: Array.isArray, words: 'a list' }
const object: Rule = {
  test: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  words: 'an object',
}
const keys: Rule = {
  test: (value) => Array.isArray(value) && value.every(whole.test),
  words: 'a list of keys',
}
const oneOf = (...values: readonly string[]): Rule => ({
  test: (value) => typeof value === 'string' && values.includes(value),
  words: `one of ${values.join(', ')}`,
})

const downRules: Readonly<Record<DownMessage['kind'], Rules>> = {
  hello: fields({ version: whole }),
  load: fields({
    model: text,
    version: text,
    modelDir: text,
    handler: text,
    batchSize: whole,
    threads: whole,
    device: text,
    retryItems: flag,
  }),
  jobs: fields({ start: flag, jobs: list }),
  cancel: fields({ keys }),
  stop: fields({}),
}

const upRules: Readonly<Record<UpMessage['kind'], Rules>> = {
  // No more than the version: the hello of another version must come far enough to be told apart.
  hello: fields({ version: whole }),
  loaded: fields({ credit: whole }),
  'load-failed': fields({ message: text, outOfMemory: flag }),
  credit: fields({ credit: whole }),
  started: fields({ keys }),
  cancelled: fields({ keys }),
  chunk: fields({ key: whole, body: object }),
  result: fields({ key: whole, timing: object, outcome: object }),
  log: fields({ level: oneOf('debug', 'info', 'warn', 'error'), message: text }),
  // The value is left to the exporter, which has to explain to the handler's author what it does not take.
  metric: fields({ name: text, type: oneOf('counter', 'gauge', 'histogram'), unit: text, labels: object }),
}

const headRules: Rules = fields({ status: whole, headers: object })
const jobRules: Rules = fields({ key: whole, id: text, operation: text, headers: object, input: object })
const partsRules: Rules = fields({ parts: list })
const partRules: Rules = fields({ name: text, body: object })
const tensorsRules: Rules = fields({ tensors: list })
const tensorRules: Rules = fields({ name: text, type: text, shape: list, body: object })
const okRules: Rules = fields({ status: whole, headers: object, body: object })
const failedRules: Rules = fields({ reason: text, status: whole, message: text })

/** Makes sure that a value is an object whose fields keep the rules. @throws MarinaError `worker-failed` naming the field */
function check(value: unknown, rules: Rules, what: string): asserts value is HeaderFields {
  if (!object.test(value)) throw brokenFrame(`its ${what} must be an object`)
  for (const [field, { test, words }] of rules) {
    if (!test((value as HeaderFields)[field])) throw brokenFrame(`${field} of its ${what} must be ${words}`)
  }
}

/** Checks the header of a message to a worker. @throws MarinaError `worker-failed` naming the field that is wrong */
export function checkDown(kind: DownMessage['kind'], header: unknown): asserts header is HeaderFields {
  check(header, downRules[kind], kind)
  if (kind === 'jobs') (header['jobs'] as unknown[]).forEach(checkJob)
}

function checkJob(job: unknown): void {
  check(job, jobRules, 'job')
  const input: unknown = job['input']
  check(input, [], 'input')
  if (input['kind'] === 'parts') {
    check(input, partsRules, 'input')
    for (const part of input['parts'] as unknown[]) check(part, partRules, 'part')
  } else if (input['kind'] === 'tensors') {
    check(input, tensorsRules, 'input')
    for (const tensor of input['tensors'] as unknown[]) check(tensor, tensorRules, 'tensor')
  } else throw brokenFrame('its input is neither parts nor tensors')
}

/** The same for a worker's message. */
export function checkUp(kind: UpMessage['kind'], header: unknown): asserts header is HeaderFields {
  check(header, upRules[kind], kind)
  if (kind === 'chunk' && header['head'] !== undefined) check(header['head'], headRules, 'head')
  if (kind === 'result') {
    const outcome: unknown = header['outcome']
    check(outcome, [], 'outcome')
    if (outcome['kind'] === 'ok') check(outcome, okRules, 'outcome')
    else if (outcome['kind'] === 'failed') check(outcome, failedRules, 'outcome')
    else throw brokenFrame('its outcome is neither ok nor failed')
  }
}
