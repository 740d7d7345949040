// `npm test`: builds, lints, and runs the test groups one after the other. A group that needs more than npm packages
// and python3 gets it installed on Debian and Ubuntu when that is allowed (root, or sudo without a password); elsewhere
// it is named at the end as not run, with the command that would install it. With CI=true, not run is a failure.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runProject } from './test-project.mjs'

process.chdir(new URL('..', import.meta.url).pathname)

const NOTHING = { passed: 0, failed: 0, skipped: 0, failures: [], flaky: [] }
const SYSTEM_PYTHON = '/usr/bin/python3'
const NODE_24 = ['npx', '-y', '-p', 'node@24', 'node']
const groups = [
  { name: 'lint', script: 'lint' },
  { name: 'unit', project: 'unit' },
  {
    name: 'node-24',
    project: 'unit',
    node: NODE_24,
    has: () => runs(NODE_24[0], [...NODE_24.slice(1), '--version']),
    cure: `${NODE_24.join(' ')} --version, which fetches it from the npm registry`,
  },
  { name: 'system', project: 'system' },
  { name: 'compat', project: 'compat' },
  { name: 'package', project: 'package' },
  {
    name: 'torch',
    project: 'torch',
    has: () => runs(SYSTEM_PYTHON, ['-c', 'import torch, torchvision, faiss, PIL, numpy, ensurepip']),
    packages:
      'python3-torch python3-torchvision python3-faiss python3-pil python3-numpy python3-venv libopenblas0-pthread',
  },
  {
    name: 'browser',
    project: 'browser',
    has: () =>
      ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].some((file) =>
        existsSync(file),
      ),
    packages: 'chromium',
  },
]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean', short: 'h' }, 'no-install': { type: 'boolean' } },
})
const names = groups.map((group) => group.name)
const unknown = positionals.filter((name) => !names.includes(name))
if (values.help || unknown.length > 0) {
  if (unknown.length > 0) console.error(`Unknown group: ${unknown.join(', ')}`)
  console.log(
    `npm test [-- GROUP …] [-- --no-install]\n\nGroups: ${names.join(', ')}\nExample: npm test -- unit torch`,
  )
  process.exit(unknown.length > 0 ? 2 : 0)
}

const build = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
if (build.status !== 0) {
  console.log('The build failed; no test was run.\n0 passed, 1 failed')
  process.exit(1)
}

const reports = mkdtempSync(join(tmpdir(), 'marina-test-'))
const results = groups
  .filter((group) => positionals.length === 0 || positionals.includes(group.name))
  .map((group) => ({ group, ...runGroup(group) }))
rmSync(reports, { recursive: true })
summarise(results)

function runGroup(group) {
  if (group.has && !group.has() && !install(group)) return { ...NOTHING, missing: true }
  console.log(`\n── ${group.name} ──`)
  return group.script ? runScript(group.script) : runProject(group, reports)
}

function runScript(script) {
  const { status } = spawnSync('npm', ['run', '--silent', script], { stdio: 'inherit' })
  return status === 0 ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1, failures: [`npm run ${script}`] }
}

function install(group) {
  if (!group.packages) return false
  const sudo = process.getuid?.() === 0 ? [] : runs('sudo', ['-n', 'true']) ? ['sudo', '-n'] : undefined
  if (values['no-install'] || !sudo || !runs('apt-get', ['--version'])) return false
  console.log(`\nThe group ${group.name} needs ${group.packages}: installing (apt-get).`)
  const apt = (...args) => {
    const [command, ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args]
    return spawnSync(command, rest, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
  }
  return apt('update') && apt('install', '-y', ...group.packages.split(' ')) && group.has()
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

function summarise(results) {
  const missing = results.filter((result) => result.missing)
  const sum = (key) => results.reduce((total, result) => total + result[key], 0)
  console.log('')
  for (const { group, passed, failed, skipped, missing } of results) {
    const counts = missing
      ? 'not run'
      : `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`
    console.log(`${group.name.padEnd(10)}${counts}`)
  }
  for (const { group } of missing) {
    const cure = group.cure ?? `apt-get update && apt-get install -y ${group.packages}`
    console.log(`Not run: ${group.name}. To run it: ${cure}`)
  }
  for (const { group, failures, flaky } of results) {
    for (const line of flaky) console.log(`Failed beside other tests, passed alone (${group.name}): ${line}`)
    for (const line of failures) console.log(`FAILED (${group.name}): ${line}`)
  }
  const failed = sum('failed') + (process.env.CI === 'true' ? missing.length + sum('skipped') : 0)
  console.log(`${sum('passed')} passed, ${failed} failed`)
  process.exitCode = failed > 0 ? 1 : 0
}
