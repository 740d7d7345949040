/** A user's project in a temporary folder: files by name, and `marina` as a linked package. Steps run from the built dist/. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  loadPipeline,
  runPipeline,
  type RunEvent,
  type RunOptions,
  type RunRecord,
} from '../../src/pipeline/index.js'

/** The repository's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** One project. */
export interface TestProject {
  readonly folder: string
  write(name: string, text: string): Promise<void>
  read(name: string): Promise<string>
  /** Names in a folder; empty where it is not there. */
  list(name: string): Promise<string[]>
  /** Loads the pipeline as it stands, and runs it. */
  run(options?: RunOptions): Promise<TestRun>
  remove(): Promise<void>
}

/** A run, and what it told. */
export interface TestRun {
  readonly record: RunRecord
  readonly events: readonly RunEvent[]
  /** Names of the steps that ran. */
  readonly ran: readonly string[]
  /** Why each of them ran. */
  readonly why: Readonly<Record<string, string>>
}

/** Makes a project of the given files. */
export async function createProject(files: Readonly<Record<string, string>>): Promise<TestProject> {
  const folder = await mkdtemp(join(tmpdir(), 'marina-project-'))
  const project: TestProject = {
    folder,
    async write(name, text) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), text)
    },
    read: (name) => readFile(join(folder, name), 'utf8'),
    list: (name) => readdir(join(folder, name)).catch(() => []),
    async run(options = {}) {
      const events: RunEvent[] = []
      const observer = (event: RunEvent) => {
        events.push(event)
        options.observer?.(event)
      }
      const pipeline = await loadPipeline(join(folder, 'pipeline.ts'))
      const record = await runPipeline(pipeline, { ...options, observer })
      const started = events.flatMap((event) => (event.kind === 'step-started' ? [event] : []))
      return {
        record,
        events,
        ran: started.map(({ step }) => step),
        why: Object.fromEntries(started.map(({ step, why }) => [step, why])),
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
  await project.write('package.json', '{ "name": "project", "type": "module", "private": true }')
  await mkdir(join(folder, 'node_modules'))
  await symlink(root, join(folder, 'node_modules/marina'))
  for (const [name, text] of Object.entries(files)) await project.write(name, text)
  return project
}

/** A pipeline's file from the source text of its `steps`, such as `a: step('a.ts')`. */
export const pipelineOf = (steps: string, more = ''): string =>
  `import { command, definePipeline, file, from, step } from 'marina/pipeline'
   export default definePipeline({ name: 'test', steps: { ${steps} }, ${more} })`

/** A step's file; `body` sees `inputs`, `outputs`, `params`, `scratch`, `signal`, `log`, `report`, `progress`, `fs` and `sleep`. */
export const stepOf = (options: string, body: string): string =>
  `import { defineStep } from 'marina/pipeline'
   import * as fs from 'node:fs'
   import { setTimeout as sleep } from 'node:timers/promises'
   export default defineStep({ ${options}, async run({ inputs, outputs, params, scratch, signal, log, report, progress }) {
     ${body}
   } })`

/** Three steps in a row: each writes its input, its own letter and its parameter, and says how often it has run. */
export const chain: Readonly<Record<string, string>> = {
  'pipeline.ts': pipelineOf(`
    a: step('a.ts', { inputs: { source: file('source.txt') } }),
    b: step('b.ts', { inputs: { before: from('a', 'out') } }),
    c: step('c.ts', { inputs: { before: from('b', 'out') } }),`),
  'source.txt': 's',
  'a.ts': stepOf(
    `inputs: ['source'], outputs: ['out'], params: { tail: '' }`,
    `fs.writeFileSync(outputs.out, fs.readFileSync(inputs.source, 'utf8') + 'a' + params.tail)`,
  ),
  'b.ts': stepOf(
    `inputs: ['before'], outputs: ['out'], params: { tail: '' }`,
    `fs.writeFileSync(outputs.out, fs.readFileSync(inputs.before, 'utf8') + 'b' + params.tail)`,
  ),
  'c.ts': stepOf(
    `inputs: ['before'], outputs: ['out']`,
    `fs.writeFileSync(outputs.out, fs.readFileSync(inputs.before, 'utf8') + 'c'); report({ length: 3 })`,
  ),
}
