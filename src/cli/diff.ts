/** `marina diff`: what is not the same in two archives, and with `--run` in what they answer. */
import type { Command } from 'commander'
import { EXIT } from './exit.js'
import { differenceText } from './diff-report.js'
import { stopSignal } from './stop-signal.js'
import { styleFor } from './terminal.js'

interface DiffFlags {
  readonly run: boolean
  readonly exitCode: boolean
  readonly json: boolean
}

/** Defines the command. */
export function define(command: Command): void {
  command
    .argument('<from>', 'an archive or a model folder')
    .argument('<to>', 'another, such as the next version')
    .description('Compares files, manifest, requirements, models and indexes, metrics and provenance.')
    .option('--run', 'Load both and compare their answers to the stored examples. Runs their code.', false)
    .option('--exit-code', 'Exit with 1 when anything differs, as git diff does.', false)
    .option('--json', 'Print JSON on stdout.', false)
    .addHelpText(
      'after',
      `
Examples:
  marina diff model_store/embedding-1.0.mar model_store/embedding-2.0.mar
  marina diff --run embedding-1.0.mar embedding-2.0.mar
  marina diff --exit-code a.mar b.mar && echo equal`,
    )
    .action((from: string, to: string, flags: DiffFlags) => run({ from, to }, flags))
}

async function run({ from, to }: { from: string; to: string }, flags: DiffFlags): Promise<void> {
  const { diff } = await import('../archive/index.js')
  const stop = stopSignal('')
  try {
    const { signal } = stop
    const difference = await diff(from, to, { signal })
    const answers = flags.run
      ? await (await import('./diff-run.js')).compareAnswers({ from, to, signal })
      : undefined
    process.stdout.write(
      flags.json
        ? `${JSON.stringify({ ...difference, ...(answers && { answers }) }, undefined, 2)}\n`
        : differenceText(difference, { answers, style: styleFor(process.stdout) }),
    )
    const isEqual = difference.equal && (answers ?? []).every(({ changes }) => changes.length === 0)
    if (flags.exitCode && !isEqual) process.exitCode = EXIT.failed
  } finally {
    stop.release()
  }
}
