/**
 * Records what TorchServe 0.12.0 does with all cases: `npm run record:config`; with `--check`, ten of them again, chosen at
 * random, compared with what is stored.
 */
import { deepStrictEqual } from 'node:assert'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { installOriginal } from '../original.js'
import { launcherCases, settingsCases, type Case } from './cases.js'
import { inFolder, masked, type Ended, type LauncherRecord, type SettingsRecord } from './case-folder.js'

const here = join(process.cwd(), 'test/compat/config')
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
const { torchserve } = installOriginal()

const launch = (one: Case): Promise<LauncherRecord> =>
  inFolder(one, ({ words, cwd, environment }) => {
    const { stdout, stderr, status } = spawnSync(torchserve, words, {
      cwd,
      env: environment,
      encoding: 'utf8',
    })
    const ended: Ended = {
      stdout: withoutHelp(masked(stdout, cwd)),
      stderr: masked(stderr, cwd),
      exitCode: status ?? -1,
    }
    return { name: one.name, ...ended, pidFile: existsSync(join(cwd, 'tmp/.model_server.pid')) }
  })

/** Of help only the usage: its sentences are the authors' own. */
const withoutHelp = (text: string): string =>
  text.startsWith('usage: ') ? `${text.slice(0, text.indexOf('\n\n'))}\n` : text

const serve = (one: Case): Promise<SettingsRecord> =>
  inFolder(one, async ({ words, cwd, environment }) => {
    const child = spawn(torchserve, [...words, '--foreground'], { cwd, env: environment, detached: true })
    let text = ''
    const started = new Promise<boolean>((resolve) => {
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        if (text.includes('Model server started.')) resolve(true)
      })
      child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
      child.on('close', () => resolve(false))
    })
    const isUp = await started
    const tokens = existsSync(join(cwd, 'key_file.json'))
    if (isUp && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    const block = /\nTorchserve version: [^]*?\nModel API enabled: \w+/.exec(text)?.[0] ?? ''
    const settings = block.split('\n').filter((line) => isCompared(line))
    // The server prints one line before it ends; a stack follows some of them.
    const failure = isUp
      ? undefined
      : (text.split('\n').find((line) => /^(Invalid|\S+Exception)/.test(line)) ?? text)
    return {
      name: one.name,
      started: isUp,
      ...(isUp ? { tokens, settings: settings.map((line) => masked(line, cwd)) } : {}),
      ...(failure === undefined ? {} : { failure: masked(failure, cwd) }),
    }
  })

/** Lines about the machine, the installation and Java say nothing about settings. */
const HOST =
  /^(Torchserve version|TS Home|Temp directory|Metrics config path|Number of|Max heap|Python executable)/
const isCompared = (line: string): boolean => line !== '' && !HOST.test(line)

const kinds = [
  { file: 'launcher.json', cases: launcherCases, record: launch },
  { file: 'settings.json', cases: settingsCases, record: serve },
]

for (const { file, cases, record } of kinds) {
  const path = join(here, file)
  const stored = values.check ? (JSON.parse(await readFile(path, 'utf8')) as { name: string }[]) : []
  const chosen = values.check ? [...cases].sort(() => Math.random() - 0.5).slice(0, 5) : cases
  const records = []
  for (const one of chosen) {
    const found = await record(one)
    if (values.check) {
      deepStrictEqual(
        found,
        stored.find(({ name }) => name === one.name),
      )
      console.log(`equal: ${one.name}`)
    }
    records.push(found)
  }
  if (values.check) continue
  // One case a line, so that a difference can be read.
  await writeFile(path, `[\n${records.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`)
  console.log(`${file}: ${records.length} cases`)
}
