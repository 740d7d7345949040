/** `marina demo --check`: how many of the test images a running server answers rightly. The example knows how to ask. */
import { dirname, join } from 'node:path'
import { MarinaError, messageOf } from '../../errors.js'
import { bundleCode, importDefault } from '../../pipeline/code.js'
import type { Progress } from '../../pipeline/index.js'
import { demoProject } from './project.js'
import { createRunPrinter } from '../run-printer.js'
import { stopSignal } from '../stop-signal.js'

/** What the example's `check.ts` exports. */
type Check = (options: {
  readonly url: string
  readonly signal: AbortSignal
  readonly progress: (progress: Progress) => void
}) => Promise<{ readonly images: number; readonly correct: number; readonly accuracy: number }>

/** Runs the check and prints its figures. @throws MarinaError `server-unreachable` when no demo runs at the port */
export async function runCheck({
  port,
  json,
}: {
  readonly port: number
  readonly json: boolean
}): Promise<void> {
  const output = json ? process.stderr : process.stdout
  const server = `http://127.0.0.1:${port}`
  const stop = stopSignal()
  try {
    await requireServer(server, { port, signal: stop.signal })
    const { file } = await demoProject({ signal: stop.signal, output })
    const { bundle } = await bundleCode(
      join(dirname(file), 'check.ts'),
      join(dirname(file), '.cache', 'code'),
    )
    const check = (await importDefault(bundle)) as Check
    const print = createRunPrinter(output)
    print({ kind: 'run-started', run: '', steps: ['check'] })
    print({ kind: 'step-started', step: 'check', why: '' })
    try {
      const result = await check({
        url: `${server}/predictions/embedding`,
        signal: stop.signal,
        progress: (progress) => print({ kind: 'step-progress', step: 'check', progress }),
      })
      if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
      else output.write(`\n${result.correct} of ${result.images} right: ${result.accuracy.toFixed(4)}\n`)
    } finally {
      print({ kind: 'run-finished', status: 'done', seconds: 0 })
    }
  } finally {
    stop.release()
  }
}

async function requireServer(
  server: string,
  { port, signal }: { port: number; signal: AbortSignal },
): Promise<void> {
  try {
    await fetch(`${server}/ping`, { signal })
  } catch (error) {
    signal.throwIfAborted()
    const why = error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error)
    const flag = port === 8080 ? '' : ` --port ${port}`
    throw new MarinaError(
      'server-unreachable',
      `No server answers at ${server} (${why}). Start one in another terminal: marina demo${flag}`,
      { cause: error },
    )
  }
}
