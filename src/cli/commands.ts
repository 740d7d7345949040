/** The list of commands: what help shows, and which file is loaded when one of them is called, and only then. */
import type { Command } from 'commander'

/** What a command's file exports. */
export interface CommandModule {
  /** Adds options, arguments, examples and the action. */
  readonly define: (command: Command) => void
}

/** One command in the list. */
export interface CommandRow {
  readonly name: string
  readonly summary: string
  /** A whole command line, shown in `marina --help`. */
  readonly example: string
  readonly load: () => Promise<CommandModule>
}

/** All commands, in the order of help. */
export const commands: readonly CommandRow[] = [
  {
    name: 'demo',
    summary: 'train, judge, pack and serve a model of real handwritten digits',
    example: 'marina demo',
    load: () => import('./demo.js'),
  },
  {
    name: 'serve',
    summary: 'serve archives or model folders in the foreground',
    example: 'marina serve model_store/embedding-1.0.mar',
    load: () => import('./serve.js'),
  },
  {
    name: 'init',
    summary: 'make a project that runs: a handler in TypeScript, an ONNX model, a test',
    example: 'marina init digits',
    load: () => import('./init.js'),
  },
  {
    name: 'dev',
    summary: 'serve a project folder, and reload it when a file is saved',
    example: 'marina dev ./digits',
    load: () => import('./dev.js'),
  },
  {
    name: 'run',
    summary: 'print one answer of a model, without a server',
    example: 'marina run digits.mar picture.png',
    load: () => import('./run-model.js'),
  },
  {
    name: 'archive',
    summary: 'pack a project folder, or a model and its files, into one archive',
    example: 'marina archive digits',
    load: () => import('./archive.js'),
  },
  {
    name: 'inspect',
    summary: 'show what an archive holds, without unpacking it',
    example: 'marina inspect digits.mar',
    load: () => import('./inspect.js'),
  },
  {
    name: 'verify',
    summary: 'compare every byte of an archive with what was packed',
    example: 'marina verify digits.mar',
    load: () => import('./verify.js'),
  },
  {
    name: 'unpack',
    summary: 'write the files of an archive into a new folder',
    example: 'marina unpack digits.mar --to digits-unpacked',
    load: () => import('./unpack.js'),
  },
  {
    name: 'diff',
    summary: 'show how two archives differ, and with --run how their answers do',
    example: 'marina diff digits-1.0.mar digits-2.0.mar',
    load: () => import('./diff.js'),
  },
  {
    name: 'chaos',
    summary: 'kill, stop and fatten workers under load; the exit code says whether a request was lost',
    example: 'marina chaos --seconds 20',
    load: () => import('./chaos.js'),
  },
  {
    name: 'pipeline',
    summary: 'run the pipeline of a project folder, or show what is up to date',
    example: 'marina pipeline run --dir examples/mnist',
    load: () => import('./pipeline.js'),
  },
  {
    name: 'config',
    summary: 'say what each setting is and where it comes from',
    example: 'marina config explain',
    load: () => import('./config.js'),
  },
]
