/** Command lines and settings: what TorchServe 0.12.0 printed and took (test/compat/config/record.ts), and what we do. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { configurationBlock } from '../src/cli/configuration-block.js'
import { writePidFile } from '../src/cli/pid-file.js'
import { explainTorchserve } from '../src/cli/torchserve/server.js'
import { parseTorchserveOptions } from '../src/cli/torchserve/options.js'
import { runTorchserve } from '../src/cli/torchserve/run.js'
import { MarinaError } from '../src/errors.js'
import { launcherCases, settingsCases, type Case } from './compat/config/cases.js'
import { inFolder, masked, type LauncherRecord, type SettingsRecord } from './compat/config/case-folder.js'

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`compat/config/${name}`, import.meta.url), 'utf8'))
const launched = read('launcher.json') as readonly LauncherRecord[]
const served = read('settings.json') as readonly SettingsRecord[]

function ofCase<T extends { readonly name: string }>(one: Case, records: readonly T[]): T {
  const found = records.find(({ name }) => name === one.name)
  if (!found) throw new Error(`${one.name} is not recorded: npm run record:config`)
  return found
}

describe('the command line', () => {
  test.each(launcherCases)('$name', async (one) => {
    const ours = await inFolder(one, async ({ words, cwd, environment }) => {
      const printed = { stdout: '', stderr: '' }
      const exitCode = await runTorchserve(words, {
        environment,
        cwd,
        stdout: (text) => (printed.stdout += text),
        stderr: (text) => (printed.stderr += text),
        writePid: writePidFile,
        spawnServer: () => expect.fail('no server is started'),
        serve: () => expect.fail('no server is started'),
      })
      const usage = printed.stdout.startsWith('usage: ')
      return {
        name: one.name,
        stdout: masked(usage ? `${printed.stdout.split('\n\n')[0] ?? ''}\n` : printed.stdout, cwd),
        stderr: masked(printed.stderr, cwd),
        exitCode,
        pidFile: existsSync(join(cwd, 'tmp/.model_server.pid')),
      }
    })
    expect(ours).toEqual(ofCase(one, launched))
  })
})

/** Where we do something else, and why. */
const deviations: Readonly<Record<string, string>> = {
  'no scheme': 'An address without a scheme is taken.',
  'standard ports of https': 'TorchServe cannot make a certificate under this Java.',
  'models that are a list': 'It says nothing of any model, and is refused.',
  'a number that is too large': 'Sizes may be larger than a Java integer.',
  'placeholders in a placeholder': 'What a variable holds is taken as it is.',
}

/** TorchServe prints some texts as they stand in the file; numbers and switches are compared as it uses them. */
function normalise(line: string): string {
  const [label = '', value = ''] = line.split(/: (.*)/s)
  if (SWITCHES.has(label)) return `${label}: ${String(value.toLowerCase() === 'true')}`
  return /^\+\d+$/.test(value) ? `${label}: ${Number(value)}` : line
}
const SWITCHES = new Set(['Limit Maximum Image Pixels', 'Prefer direct buffer'])

describe('settings', () => {
  // Paths in the settings start from the process's folder.
  const home = process.cwd()
  const explain = (one: Case) =>
    inFolder(one, ({ words, cwd, environment }) => {
      const options = parseTorchserveOptions(words)
      if ('exitCode' in options) throw new Error(options.stderr)
      process.chdir(cwd)
      try {
        const { config, file } = explainTorchserve(options, environment)
        const block = configurationBlock(config, { file: file?.path, environment })
        return { block: masked(block, cwd), tokens: config.tokens }
      } catch (error) {
        if (error instanceof MarinaError)
          return { failure: masked(`Invalid configuration: ${error.message}`, cwd) }
        throw error
      } finally {
        process.chdir(home)
      }
    })

  const like = settingsCases.filter(({ name }) => !(name in deviations))
  test.each(like)('$name', async (one) => {
    const recorded = ofCase(one, served)
    const ours = await explain(one)
    if (!recorded.started) {
      // Ours says more behind; a Java exception is not repeated.
      const words = recorded.failure?.startsWith('Invalid configuration: ')
        ? recorded.failure
        : 'Invalid configuration'
      const known = words.includes('nThreads') ? 'Invalid configuration: ' : words
      expect(ours.failure).toContain(known)
      return
    }
    expect(ours.failure).toBeUndefined()
    expect(ours.tokens).toBe(recorded.tokens)
    const lines = ours.block?.split('\n')
    for (const line of recorded.settings ?? []) {
      // TorchServe takes the first model store for workflows, which are not served here.
      if (line.startsWith('Workflow Store') && one.name === 'the model store of a variable') continue
      // The number of processors of the machine that recorded it.
      if (line === 'Default workers per model: 2') expect(ours.block).toContain('Default workers per model: ')
      else expect(lines).toContain(normalise(line))
    }
  })

  test.each(Object.entries(deviations))('deviates: %s. %s', async (name) => {
    const one = settingsCases.find((candidate) => candidate.name === name)
    if (!one) throw new Error(`There is no case ${name}.`)
    const recorded = ofCase(one, served)
    expect((await explain(one)).failure === undefined).not.toBe(recorded.started)
  })

  test('the block names the metrics file that is honoured, and the folders to which the logs go', async () => {
    const one: Case = {
      name: 'files of metrics and logs',
      words: ['--model-store', 'store', '--ts-config', 'c'],
      files: { c: 'metrics_config=m.yaml\n' },
      environment: { LOG_LOCATION: '', METRICS_LOCATION: '{cwd}/measured' },
    }
    expect((await explain(one)).block?.split('\n')).toEqual(
      expect.arrayContaining([
        'Metrics config path: {cwd}/m.yaml',
        'Log dir: {cwd}/logs',
        'Metrics dir: {cwd}/measured',
      ]),
    )
  })

  test('the labels stand in the original order', async () => {
    const first = settingsCases[0]
    if (!first) throw new Error('There are no cases.')
    const labels = (text: readonly string[]) => text.map((line) => line.split(':')[0])
    const recorded = labels(ofCase(first, served).settings ?? [])
    const ours = labels((await explain(first)).block?.split('\n') ?? [])
    expect(ours.filter((label) => recorded.includes(label))).toEqual(recorded)
  })
})
