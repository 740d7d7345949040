/** `marina demo`: the life of a model from data to a page, on real MNIST: server, pipeline, smoke test, and what to try. */
import { join } from 'node:path'
import { Option, type Command } from 'commander'
import { MarinaError } from '../errors.js'
import type { RunRecord } from '../pipeline/index.js'
import { runCheck } from './demo/check.js'
import { demoProject } from './demo/project.js'
import { startDemoServer } from './demo/server.js'
import { createRunPrinter, seconds } from './run-printer.js'
import type { ServerProcess } from './server-process.js'
import { portOf } from './settings-options.js'
import { stopSignal } from './stop-signal.js'
import { styleFor } from './terminal.js'

/** What the command line said. */
export interface DemoFlags {
  readonly quick: boolean
  readonly once: boolean
  readonly check: boolean
  readonly json: boolean
  /** Of the inference API; management and metrics take the two that follow. */
  readonly port: number
}

/** The model that the example makes. */
const MODEL = 'embedding'

/** Defines the command. */
export function define(command: Command): void {
  command
    .description('Trains on real MNIST, judges, packs and serves: the whole life of a model in one command.')
    .option('--quick', 'Less data: everything in some seconds, at 96 % instead of 99 %.', false)
    .option('--once', 'Stop when the served model has answered its examples.', false)
    .option(
      '--check',
      'Send the 10,000 test images to the demo that is running, and print the accuracy.',
      false,
    )
    .addOption(
      new Option('--port <n>', 'Port of predictions and page; the two after it are taken, too.')
        .argParser(portOf)
        .default(8080),
    )
    .option('--json', 'Print one line of JSON on stdout; everything else goes to stderr.', false)
    .addHelpText(
      'after',
      `
Examples:
  marina demo
  marina demo --quick --once
  marina demo --check --json
  marina demo --port 9000`,
    )
    .action((flags: DemoFlags) => (flags.check ? runCheck(flags) : demo(flags)))
}

async function demo(flags: DemoFlags): Promise<void> {
  const startedMs = performance.now()
  const output = flags.json ? process.stderr : process.stdout
  const style = styleFor(output)
  const stop = stopSignal()
  const project = await demoProject({ signal: stop.signal, output })
  output.write(
    `${style.bold('Marina demo')}  real MNIST, from data to a served model ${style.dim(`in ${project.shown}`)}\n\n`,
  )
  const store = join(project.folder, 'model_store', flags.quick ? 'quick' : '')
  const server = await startDemoServer({ port: flags.port, store, signal: stop.signal })
  const signal = AbortSignal.any([stop.signal, endOf(server)])
  try {
    const record = await runSteps(project.file, flags, { server, output, signal })
    const tookSeconds = (performance.now() - startedMs) / 1000
    const result = resultOf(record, server, tookSeconds)
    if (flags.json) process.stdout.write(`${JSON.stringify(result)}\n`)
    output.write(summary(result, { style, flags, project, server }))
    if (flags.once) return
    await aborted(signal)
    if (!stop.signal.aborted) signal.throwIfAborted()
    output.write('\nStopping: answering what has arrived. Once more stops at once.\n')
  } finally {
    await server.stop()
    stop.release()
  }
}

/** Aborted when the server ends, so that no step works on for nobody. */
function endOf({ exited }: ServerProcess): AbortSignal {
  const controller = new AbortController()
  void exited.then((how) =>
    controller.abort(new MarinaError('worker-failed', `The server ended by itself: ${how}`)),
  )
  return controller.signal
}

async function runSteps(
  file: string,
  flags: DemoFlags,
  { server, output, signal }: { server: ServerProcess; output: NodeJS.WriteStream; signal: AbortSignal },
): Promise<RunRecord> {
  const { loadPipeline, runPipeline } = await import('../pipeline/index.js')
  const { inference, management } = server
  return runPipeline(await loadPipeline(file), {
    profile: flags.quick ? 'quick' : undefined,
    params: { gate: { management }, deploy: { inference, management } },
    signal,
    observer: createRunPrinter(output, { logs: false }),
  })
}

/** What a demo came to; printed by `--json`. */
interface DemoResult {
  readonly accuracy: number
  readonly version: string
  readonly archive: string
  readonly url: string
  readonly page: string
  readonly report: string
  readonly seconds: number
}

function resultOf({ steps }: RunRecord, { inference }: ServerProcess, tookSeconds: number): DemoResult {
  const find = (name: string) => steps.find(({ step }) => step === name)
  const text = (name: string): string => {
    const value = find('archive')?.report[name]
    return typeof value === 'string' ? value : ''
  }
  return {
    accuracy: Number(find('analyse')?.report['accuracy'] ?? 0),
    version: text('version'),
    archive: text('archive'),
    url: `${inference}/predictions/${MODEL}`,
    page: `${inference}/`,
    report: join(find('analyse')?.outputs['page'] ?? '', 'analysis.html'),
    seconds: Number(tookSeconds.toFixed(1)),
  }
}

interface SummaryParts {
  readonly style: ReturnType<typeof styleFor>
  readonly flags: DemoFlags
  readonly project: { readonly shown: string; readonly samples: string }
  readonly server: ServerProcess
}

function summary(result: DemoResult, { style, flags, project, server }: SummaryParts): string {
  const row = (name: string, value: string) => `  ${name.padEnd(11)}${value}\n`
  const port = flags.port === 8080 ? '' : ` --port ${flags.port}`
  return [
    `\n${style.bold(style.green(`${(100 * result.accuracy).toFixed(2)} % of the test images`))}, served as ${MODEL} ${result.version} after ${seconds(result.seconds)}.\n\n`,
    row('draw', style.bold(result.page)),
    row('ask', `curl ${result.url} -T ${project.samples}/7.png`),
    row('analysis', result.report),
    flags.once ? '' : `\nWhat next\n`,
    flags.once ? '' : row('check', `npx marina demo --check${port}      all 10,000 test images, over HTTP`),
    flags.once
      ? ''
      : row('explain', `curl ${server.inference}/explanations/${MODEL} -T ${project.samples}/7.png`),
    flags.once ? '' : row('change', `${project.shown}/handler.ts, then run the demo again: a new version`),
    flags.once ? '' : row('add', `pictures in ${project.shown}/new/7/, then run it again: they are learned`),
    flags.once ? '' : style.dim('\nServing until Ctrl-C.\n'),
  ].join('')
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
