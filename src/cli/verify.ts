/** `marina verify`: compares every file of an archive with the hashes recorded when it was packed. */
import type { Command } from 'commander'
import { MarinaError } from '../errors.js'
import { byteProgress } from './byte-progress.js'
import { stopSignal } from './stop-signal.js'
import { styleFor } from './terminal.js'

/** Defines the command. */
export function define(command: Command): void {
  command
    .argument('<archive>', 'a .mar, a .tar.gz, or a model folder')
    .description(
      'Reads every byte and compares hashes and headers with what was recorded when it was packed. ' +
        'Exit code 0: as packed; 1: changed, damaged, or without hashes.',
    )
    .option('--json', 'Print one line of JSON on stdout.', false)
    .addHelpText(
      'after',
      `
Examples:
  marina verify model_store/embedding-1.0.mar
  marina verify embedding.mar --json`,
    )
    .action((archive: string, flags: { json: boolean }) => run(archive, flags))
}

async function run(archive: string, { json }: { json: boolean }): Promise<void> {
  const { verify } = await import('../archive/index.js')
  const stop = stopSignal('')
  const progress = byteProgress('hashing')
  try {
    const findings = await verify(archive, { signal: stop.signal, onProgress: progress.show })
    progress.end()
    if (json) process.stdout.write(`${JSON.stringify({ archive, ok: findings.length === 0, findings })}\n`)
    else for (const { message } of findings) process.stdout.write(`${message}\n`)
    if (findings.length > 0)
      throw new MarinaError(
        'invalid-archive',
        `${archive}: ${findings.length} of its parts are not as packed`,
      )
    const { green } = styleFor(process.stdout)
    if (!json) process.stdout.write(`${green('ok')}  ${archive}: every file is as it was packed\n`)
  } finally {
    progress.end()
    stop.release()
  }
}
