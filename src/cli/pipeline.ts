/** `marina pipeline`: runs, shows and cleans the pipeline of a project folder. */
import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { MarinaError, misuse } from '../errors.js'
import type { LoadedPipeline, Params, Selection } from '../pipeline/index.js'
import { createRunPrinter, seconds } from './run-printer.js'
import { stopSignal } from './stop-signal.js'
import { styleFor } from './terminal.js'

interface PlaceFlags {
  readonly dir: string
  readonly engine?: string
  readonly json: boolean
}

interface SelectFlags extends PlaceFlags {
  readonly profile?: string
  readonly set: readonly string[]
}

interface RunFlags extends SelectFlags {
  readonly only: boolean
  readonly force: boolean
}

/** Defines the command. */
export function define(command: Command): void {
  command.description(
    'Runs the pipeline of a project folder (its pipeline.ts), and shows what is up to date.',
  )
  const shared = (sub: Command) =>
    sub
      .option('--dir <folder>', 'The project folder, or its pipeline file.', '.')
      .option('--engine <name>', 'Another pipeline of the folder: torch is pipeline.torch.ts.')
      .option('--json', 'Print one line of JSON on stdout; everything else goes to stderr.', false)
      .exitOverride()
  const selecting = (sub: Command) =>
    shared(sub)
      .argument('[steps...]', 'these steps and what they need; default: all')
      .option('--profile <name>', 'Parameters of a profile, such as quick.')
      .option('--set <step.name=value>', 'A parameter; again for another.', collect, [])
  selecting(command.command('run', { isDefault: true }))
    .description('Run what is not up to date.')
    .option('--only', 'Exactly the named steps; what they need must be up to date.', false)
    .option('--force', 'Run the named steps although they are up to date.', false)
    .addHelpText(
      'after',
      `
Examples:
  marina pipeline run --dir examples/mnist
  marina pipeline run train --set train.epochs=3
  marina pipeline run --dir examples/mnist --engine torch
  marina pipeline run --only analyse --force     that step alone, once more`,
    )
    .action((steps: string[], flags: RunFlags) => run(steps, flags))
  shared(command.command('resume'))
    .description('Go on with the last run, with the steps, profile and parameters that it was asked for.')
    .addHelpText('after', '\nExample:\n  marina pipeline resume --dir examples/mnist')
    .action((flags: PlaceFlags) => resume(flags))
  selecting(command.command('show'))
    .description('Show which steps would run, and why.')
    .addHelpText('after', '\nExample:\n  marina pipeline show --dir examples/mnist')
    .action((steps: string[], flags: SelectFlags) => show(steps, flags))
  shared(command.command('clean'))
    .description(
      'Remove outputs that this pipeline as it stands does not use (those of another engine, too).',
    )
    .option('--all', 'Remove all outputs.', false)
    .addHelpText('after', '\nExample:\n  marina pipeline clean --dir examples/mnist --all')
    .action((flags: PlaceFlags & { all: boolean }) => clean(flags))
  command
    .command('export')
    .description('Export the pipeline to a cluster’s own format: not there yet.')
    .argument('[steps...]')
    .allowUnknownOption()
    .exitOverride()
    .action(() => {
      throw new MarinaError(
        'step-failed',
        'Exporting a pipeline is not there yet. Run it here: marina pipeline run',
      )
    })
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value]

async function run(steps: readonly string[], flags: RunFlags): Promise<void> {
  const { profile, only } = flags
  if ((only || flags.force) && steps.length === 0) throw misuse('--only and --force need the names of steps')
  const selection = {
    profile,
    params: parseSettings(flags.set),
    steps,
    only,
    force: flags.force ? steps : [],
  }
  await runSelection(await load(flags), selection, flags)
}

async function resume(flags: PlaceFlags): Promise<void> {
  const { lastRun } = await import('../pipeline/index.js')
  const pipeline = await load(flags)
  const last = await lastRun(pipeline.folder)
  if (last.status === 'done') {
    const text = `Nothing to go on with: the last run, ${last.run}, was done.`
    process.stdout.write(flags.json ? `${JSON.stringify({ run: last.run, status: 'done' })}\n` : `${text}\n`)
    return
  }
  await runSelection(pipeline, last.selection, flags)
}

async function runSelection(
  pipeline: LoadedPipeline,
  selection: Selection,
  { json }: { readonly json: boolean },
): Promise<void> {
  const { runPipeline } = await import('../pipeline/index.js')
  const stop = stopSignal()
  try {
    const record = await runPipeline(pipeline, {
      ...selection,
      signal: stop.signal,
      observer: createRunPrinter(json ? process.stderr : process.stdout),
    })
    const where = join(pipeline.folder, 'runs', record.run)
    process.stdout.write(
      json
        ? `${JSON.stringify(record)}\n`
        : `\nDone in ${seconds(record.seconds)}. The record is in ${where}\n`,
    )
  } finally {
    stop.release()
  }
}

async function show(steps: readonly string[], flags: SelectFlags): Promise<void> {
  const { inspectPipeline } = await import('../pipeline/index.js')
  const pipeline = await load(flags)
  const states = await inspectPipeline(pipeline, {
    profile: flags.profile,
    params: parseSettings(flags.set),
    steps,
  })
  const rows = states.map(({ name, state }) => ({
    step: name,
    upToDate: state !== undefined && state.why === undefined,
    why: state ? (state.why ?? '') : 'a step before it runs',
  }))
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(rows)}\n`)
    return
  }
  const style = styleFor(process.stdout)
  const width = Math.max(...rows.map(({ step }) => step.length))
  for (const { step, upToDate, why } of rows) {
    const text = upToDate ? style.dim('up to date') : `would run: ${why}`
    process.stdout.write(`${step.padEnd(width)}  ${text}\n`)
  }
}

async function clean({ all, json, ...place }: PlaceFlags & { all: boolean }): Promise<void> {
  const { cleanCache } = await import('../pipeline/index.js')
  const removed = await cleanCache(await load(place), { all })
  if (json) process.stdout.write(`${JSON.stringify({ removed })}\n`)
  else process.stdout.write(`Removed the outputs of ${removed} step${removed === 1 ? '' : 's'}.\n`)
}

/** The pipeline of a folder, or of a file. */
async function load({ dir, engine }: Omit<PlaceFlags, 'json'>): Promise<LoadedPipeline> {
  const { loadPipeline } = await import('../pipeline/index.js')
  const path = resolve(dir)
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  if (engine !== undefined && !isFolder) throw misuse('--engine needs the project folder: --dir names a file')
  const name = engine === undefined ? 'pipeline.ts' : `pipeline.${engine}.ts`
  const file = isFolder ? join(path, name) : path
  if (!existsSync(file)) throw misuse(`There is no pipeline at ${file}. Name its folder with --dir.`)
  return loadPipeline(file)
}

/** `train.epochs=3` as parameters; a value that is no JSON is a text. */
export function parseSettings(settings: readonly string[]): Record<string, Params> {
  const byStep: Record<string, Record<string, Params[string]>> = {}
  for (const setting of settings) {
    const [, step, name, value] = /^([^.=]+)\.([^=]+)=(.*)$/s.exec(setting) ?? []
    if (step === undefined || name === undefined || value === undefined) {
      throw misuse(`--set ${setting}: write step.name=value, such as train.epochs=3`)
    }
    byStep[step] = { ...byStep[step], [name]: parseValue(value) }
  }
  return byStep
}

function parseValue(text: string): Params[string] {
  try {
    return JSON.parse(text) as Params[string]
  } catch {
    return text
  }
}
