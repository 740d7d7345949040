/** The answers of two archives to their stored examples: both are loaded here, without a server. */
import {
  MARINA_FOLDER,
  openArchive,
  type ExampleRequest,
  type Plain,
  type ValueChange,
} from '../archive/index.js'
import { MarinaError, messageOf, misuse } from '../errors.js'
import { loadModel, type LoadedModel } from '../serving/load-model.js'
import { createLogger } from './logger.js'

/** How two archives answer one example; no changes where they agree within its tolerance. */
export interface AnswerDifference {
  readonly example: string
  readonly changes: readonly ValueChange[]
}

interface Example extends ExampleRequest {
  readonly body: Buffer
}

/**
 * Asks both archives all their examples; of two with one name the later archive's is asked. Throws `misuse` when neither
 * has any, and the errors of `loadModel` when one cannot be loaded.
 */
export async function compareAnswers(options: {
  from: string
  to: string
  signal: AbortSignal
}): Promise<readonly AnswerDifference[]> {
  const { from, to, signal } = options
  const examples = new Map([...(await examplesOf(from)), ...(await examplesOf(to))])
  if (examples.size === 0) throw misuse('Neither archive holds examples: there is nothing to ask with --run.')
  const loading = { signal, log: createLogger({ level: 'error', format: 'auto' }) }
  await using before = await loadModel(from, loading)
  await using after = await loadModel(to, loading)
  const differences: AnswerDifference[] = []
  for (const [name, example] of examples) {
    const [a, b] = [await answerOf(before, example, signal), await answerOf(after, example, signal)]
    differences.push({ example: name, changes: changesOf(a, b, example.tolerance ?? 0) })
  }
  return differences
}

async function examplesOf(source: string): Promise<[string, Example][]> {
  const archive = await openArchive(source)
  try {
    const examples: [string, Example][] = []
    for (const request of archive.examples?.requests ?? [])
      examples.push([
        request.name,
        { ...request, body: await archive.read(`${MARINA_FOLDER}/examples/${request.file}`) },
      ])
    return examples
  } finally {
    await archive.close()
  }
}

async function answerOf(model: LoadedModel, { body, contentType, name }: Example, signal: AbortSignal) {
  const { status, body: answer } = await model.ask(body, { contentType, signal }).catch((error: unknown) => {
    throw signal.aborted ? error : unanswered(name, messageOf(error))
  })
  const text = Buffer.from(answer).toString()
  if (status !== 200) throw unanswered(name, `${status} ${text.trim()}`)
  return valuesOf(text)
}

const unanswered = (example: string, how: string) =>
  new MarinaError('prediction-failed', `The example '${example}' was not answered: ${how}`)

/** A JSON answer's values under names with dots; any other answer is one text. */
function valuesOf(text: string): ReadonlyMap<string, Plain> {
  try {
    return new Map(flat(JSON.parse(text) as unknown, ''))
  } catch {
    return new Map([['answer', text]])
  }
}

function flat(value: unknown, name: string): [string, Plain][] {
  if (typeof value !== 'object' || value === null)
    return [
      [
        name === '' ? 'answer' : name,
        typeof value === 'number' || typeof value === 'boolean' ? value : String(value),
      ],
    ]
  return Object.entries(value).flatMap(([key, item]) => flat(item, name === '' ? key : `${name}.${key}`))
}

function changesOf(
  a: ReadonlyMap<string, Plain>,
  b: ReadonlyMap<string, Plain>,
  tolerance: number,
): ValueChange[] {
  const isSame = (from: Plain | undefined, to: Plain | undefined) =>
    typeof from === 'number' && typeof to === 'number' ? Math.abs(from - to) <= tolerance : from === to
  return [...new Set([...a.keys(), ...b.keys()])]
    .map((name) => ({ name, from: a.get(name), to: b.get(name) }))
    .filter(({ from, to }) => !isSame(from, to))
}
