/** `marina run`: one answer of a model, without a server. */
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { extname } from 'node:path'
import type { Command } from 'commander'
import { invalidFile, MarinaError, messageOf } from '../errors.js'
import type { AskOptions } from '../serving/load-model.js'
import { valueOf, type ModelAnswer } from '../serving/model-answer.js'
import { EXIT } from './exit.js'
import { createLogger } from './logger.js'
import { stopSignal } from './stop-signal.js'

interface RunFlags {
  readonly contentType?: string
  readonly explain: boolean
  readonly python?: string
  readonly json: boolean
}

/** Defines the command. */
export function define(command: Command): void {
  command
    .argument('<archive>', 'an archive, a model folder, or a project folder')
    .argument('<input>', 'the file that is the request’s body; - reads it from stdin')
    .description('Loads a model, answers one request on stdout, and ends. No server, no ports.')
    .option('--content-type <type>', 'Media type of the input; default: by its suffix.')
    .option('--explain', 'Ask for an explanation instead of a prediction.', false)
    .option('--python <python>', 'Interpreter of a Python handler.')
    .option('--json', 'Print one line of JSON on stdout: status, headers, answer.', false)
    .addHelpText(
      'after',
      `
What the handler logs goes to stderr. The exit code is 1 when it fails, with the reason and its file and line on stderr.

Examples:
  marina run embedding.mar picture.png
  marina run ./digits examples/seven.png --json
  echo '{"text": "hello"}' | marina run model.mar - --content-type application/json`,
    )
    .action(run)
}

async function run(archive: string, input: string, flags: RunFlags): Promise<void> {
  const stop = stopSignal('')
  try {
    const { signal } = stop
    const body = await readInput(input, signal)
    const { loadModel } = await import('../serving/load-model.js')
    const log = createLogger({ level: 'warn', format: 'auto' })
    const python = flags.python === undefined ? {} : { python: flags.python }
    await using model = await loadModel(archive, { log, signal, ...python })
    const answer = await model.ask(body, askOptions(input, flags, signal))
    print(answer, flags)
  } finally {
    stop.release()
  }
}

async function readInput(input: string, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return input === '-' ? await buffer(process.stdin) : await readFile(input, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw invalidFile(input, `cannot be read: ${messageOf(error)}`, error)
  }
}

function askOptions(input: string, flags: RunFlags, signal: AbortSignal): AskOptions {
  const contentType = flags.contentType ?? mediaTypes[extname(input).toLowerCase()]
  return {
    ...(contentType === undefined ? {} : { contentType }),
    operation: flags.explain ? 'explain' : 'predict',
    signal,
  }
}

const mediaTypes: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.txt': 'text/plain',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
}

/** The answer as it came, with a line's end after text; a status of the handler's from 400 on is a failure. */
function print(answer: ModelAnswer, { json }: RunFlags): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(shown(answer))}\n`)
    if (answer.status >= 400) process.exitCode = EXIT.failed
    return
  }
  if (answer.status >= 400)
    throw new MarinaError(
      'prediction-failed',
      `The handler answered ${answer.status}: ${Buffer.from(answer.body).toString().trim()}`,
    )
  process.stdout.write(answer.body)
  const isText = !(valueOf(answer) instanceof Uint8Array)
  if (isText && answer.body.at(-1) !== 0x0a) process.stdout.write('\n')
}

/** Bytes have no place in JSON: they are given as base64. */
function shown({ status, headers, body }: ModelAnswer) {
  if (status >= 400) return { status, headers, error: Buffer.from(body).toString() }
  const value = valueOf({ status, headers, body })
  return value instanceof Uint8Array
    ? { status, headers, base64: Buffer.from(value).toString('base64') }
    : { status, headers, answer: value }
}
