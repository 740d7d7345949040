/** `marina archive`: packs a project folder, or what options name, into one archive. */
import { Option, type Command } from 'commander'
import type { Packed, PackOptions } from '../archive/index.js'
import { misuse } from '../errors.js'
import { packOptions, type ArchiveFlags } from './archive-options.js'
import { byteProgress } from './byte-progress.js'
import { stopSignal } from './stop-signal.js'
import { styleFor } from './terminal.js'
import { bytesText } from './units.js'

/** Defines the command. */
export function define(command: Command): void {
  command
    .argument('[folder]', 'a project: handler.ts (or .py), model.onnx, index, examples/, schema.json')
    .description(
      'Packs a model into one archive that TorchServe and Marina read: weights stored, with hashes, ' +
        'examples and provenance. The options are those of torch-model-archiver; a folder needs none.',
    )
  addArchiverOptions(command)
  addOwnOptions(command)
  command
    .addHelpText('after', examples)
    .action((folder: string | undefined, flags: ArchiveFlags) => archive(folder, flags))
}

const examples = `
A folder gives: name and version from package.json (else the folder's name and 1.0), the handler (bundled when it is
TypeScript or JavaScript), the model, requirements.txt, model-config.yaml, schema.json, examples/, and its other data
files. Options decide where they are given.

Examples:
  marina archive digits
  marina archive digits --version 2.0 --export-path model_store --parent model_store/digits.mar
  marina archive --model-name embedding --version 1.0 --serialized-file model.pt --handler handler.py \\
    --extra-files MyHandler.py,faiss_index.bin,faiss_label.json
  SOURCE_DATE_EPOCH=0 marina archive digits        the same inputs give the same bytes`

function addArchiverOptions(command: Command): void {
  command
    .option('--model-name <name>', 'Name of the model, and of the output.')
    .option('-v, --version <version>', 'Version of the model.')
    .option('--handler <handler>', 'Handler file, FILE:FUNCTION, or the name of a built-in handler.')
    .option('--serialized-file <file>', 'The weights: .onnx, .pt, .safetensors …')
    .option('--model-file <file>', 'The Python file with the architecture of an eager model.')
    .option('--extra-files <files>', 'Files and folders for the archive’s root, with commas between.')
    .option('-r, --requirements-file <file>', 'Python requirements.')
    .option('-c, --config-file <file>', 'The model’s YAML configuration.')
    .addOption(
      new Option('--runtime <runtime>', 'Who runs the handler; default: by its file name.').choices([
        'node',
        'python',
        'python3',
        'LSP',
      ]),
    )
    .addOption(
      new Option('--archive-format <format>', 'Form of the output.')
        .choices(['default', 'zip-store', 'tgz', 'no-archive'])
        .default('default'),
    )
    .option('--export-path <folder>', 'Where the output goes; made when missing. Default: this folder.')
    .option('-f, --force', 'Overwrite an existing output.', false)
}

function addOwnOptions(command: Command): void {
  command
    .option('--file-name <name>', 'Name of the output without its suffix; default: the model’s.')
    .option('--deflate', 'Compress the weights too: slow, and they hardly shrink.', false)
    .option('--no-bundle', 'Copy a JavaScript handler as it is.')
    .option('--schema <file>', 'schema.json: inputs and outputs, for the page and for checks.')
    .option('--examples <folder>', 'Example requests, and FILE.expect.json with the answers they must get.')
    .option('--provenance <file>', 'JSON with data hashes, metrics, parameters; the git commit is added.')
    .option('--parent <archive>', 'The archive that this one follows; its hash is recorded.')
    .option('--json', 'Print one line of JSON on stdout.', false)
}

async function archive(folder: string | undefined, flags: ArchiveFlags): Promise<void> {
  if (folder === undefined) requireNamed(flags)
  const { pack } = await import('../archive/index.js')
  const stop = stopSignal('Nothing was written.')
  const progress = byteProgress('packing')
  try {
    const { signal } = stop
    const options = await packOptions(folder, { flags, words: process.argv.slice(2), signal })
    const packed = await pack({ ...options, signal, onProgress: progress.show })
    progress.end()
    process.stdout.write(flags.json ? packedJson(options, packed) : packedText(options, packed))
  } finally {
    progress.end()
    stop.release()
  }
}

function requireNamed({ modelName, version, handler }: ArchiveFlags): void {
  const missing = Object.entries({ '--model-name': modelName, '--version': version, '--handler': handler })
    .filter(([, value]) => value === undefined)
    .map(([flag]) => flag)
  if (missing.length > 0)
    throw misuse(`${missing.join(', ')}: missing. Name a project folder (marina archive DIR), or give them.`)
}

function packedJson({ modelName, version }: PackOptions, { file, bytes, sha256 }: Packed): string {
  return `${JSON.stringify({ modelName, version, file, bytes, sha256 })}\n`
}

function packedText({ modelName, version }: PackOptions, { file, bytes, sha256 }: Packed): string {
  const { bold, dim } = styleFor(process.stdout)
  return (
    `${bold(`${modelName} ${version}`)}  ${file}\n` +
    `${dim(`${bytesText(bytes)}  sha256 ${sha256}`)}\n\n` +
    `Look into it:  marina inspect ${file}\nServe it:      marina serve ${file}\n`
  )
}
