/** Builds the models, and packs them as archives. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const here = join(process.cwd(), 'test/torch/default-handlers')

/** What an archive is packed from. */
export interface BuiltModel {
  readonly name: string
  readonly folder: string
  readonly handler: string
  readonly serializedFile: string
  readonly modelFile?: string
  readonly extraFiles: readonly string[]
}

/** Runs build.py; answers with what it made. */
export function buildModels(folder: string, python: string): BuiltModel[] {
  execFileSync(python, ['-W', 'ignore', join(here, 'build.py'), folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return readdirSync(folder)
    .filter((name) => name !== 'inputs')
    .map((name) => {
      const facts = JSON.parse(readFileSync(join(folder, name, 'model.json'), 'utf8')) as Omit<
        BuiltModel,
        'name' | 'folder'
      >
      return { name, folder: join(folder, name), ...facts }
    })
}

/** The settings of either server. A dozen workers import torch at once, which takes a slow machine minutes. */
export const CONFIG = [
  'load_models=all',
  'default_workers_per_model=1',
  'default_response_timeout=600',
  'default_startup_timeout=600',
]

/** Its flags. */
export const FLAGS = ['--disable-token-auth']
