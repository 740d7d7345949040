/** `marina inspect`: says what an archive holds without unpacking it. */
import type { Command } from 'commander'
import { inspectionText } from './inspect-report.js'
import { stopSignal } from './stop-signal.js'
import { styleFor } from './terminal.js'

interface InspectFlags {
  readonly json: boolean
  readonly hash: boolean
}

/** Defines the command. */
export function define(command: Command): void {
  command
    .argument('<archive>', 'a .mar, a .tar.gz, or a model folder')
    .description(
      'Shows manifest, files with sizes and hashes, what the model is (TorchScript, state dict, ONNX with inputs and ' +
        'outputs, safetensors, index), requirements, examples, provenance, and what needs attention. ' +
        'Nothing is unpacked and no code of the archive runs.',
    )
    .option('--hash', 'Compute hashes that the archive does not record, however large it is.', false)
    .option('--json', 'Print JSON on stdout.', false)
    .addHelpText(
      'after',
      `
Examples:
  marina inspect model_store/embedding-1.0.mar
  marina inspect embedding.mar --json | jq .models`,
    )
    .action((archive: string, flags: InspectFlags) => run(archive, flags))
}

async function run(archive: string, flags: InspectFlags): Promise<void> {
  const { inspect } = await import('../archive/index.js')
  const stop = stopSignal('')
  try {
    const inspection = await inspect(archive, { signal: stop.signal, ...(flags.hash && { hash: true }) })
    const view = { style: styleFor(process.stdout), terminal: process.stdout.isTTY }
    process.stdout.write(
      flags.json ? `${JSON.stringify(inspection, undefined, 2)}\n` : inspectionText(inspection, view),
    )
  } finally {
    stop.release()
  }
}
