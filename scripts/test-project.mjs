// Runs one vitest project and counts. Files in which a test failed are run once more, alone: other tests share the cores
// and their clock, and one unlucky test in thousands must not hide what the others say. What passes only then is named.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** More files than this do not fail by bad luck. */
const MOST_FILES_AGAIN = 3

/**
 * `{ passed, failed, skipped, failures, flaky }`: counts of tests, and lines that name those that failed, or failed only
 * beside others. `node` is the command line of Node; reports are left in the folder `reports`.
 */
export function runProject({ name, project, node = [process.execPath] }, reports) {
  const first = runOnce({ project, node, file: join(reports, `${name}.json`) })
  const files = [...new Set(first.failures.map((failure) => failure.file).filter(Boolean))]
  if (files.length === 0 || files.length > MOST_FILES_AGAIN) return counted(first, [])
  console.log(`\n── ${name}, ${files.join(' ')} again, alone ──`)
  const alone = ['--max-workers=1', ...files]
  const second = runOnce({ project, node, file: join(reports, `${name}-again.json`), more: alone })
  const failedAgain = new Set(second.failures.map(({ file, title }) => `${file} ${title}`))
  const flaky = first.failures.filter(({ file, title }) => !failedAgain.has(`${file} ${title}`))
  const passed = first.passed + Math.max(0, first.failures.length - second.failures.length)
  return counted({ ...second, passed, skipped: first.skipped }, flaky)
}

const counted = ({ passed, skipped, failures }, flaky) => ({
  passed,
  skipped,
  failed: failures.length,
  failures: failures.map(asLine),
  flaky: flaky.map(asLine),
})

const asLine = ({ file, title, message }) => `${file}: ${title}\n    ${message.split('\n')[0]}`

function runOnce({ project, node, file, more = [] }) {
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', project, '--passWithNoTests']
  const options = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const [command, ...before] = node
  const { status } = spawnSync(command, [...before, ...vitest, ...options, ...more], { stdio: 'inherit' })
  const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
  const failures = report?.testResults.flatMap(failuresOf) ?? []
  // An error outside of any test fails the run, too.
  if (status !== 0 && failures.length === 0)
    failures.push({ file: '', title: project, message: `vitest ended with ${String(status)}` })
  return { passed: report?.numPassedTests ?? 0, skipped: report?.numPendingTests ?? 0, failures }
}

function failuresOf({ name, status, message, assertionResults }) {
  const file = relative(process.cwd(), name)
  const failed = assertionResults
    .filter((test) => test.status === 'failed')
    .map((test) => ({ file, title: test.fullName, message: test.failureMessages[0] ?? '' }))
  // A file that cannot even be loaded holds no failed test of its own, and still must count.
  return failed.length > 0 || status !== 'failed' ? failed : [{ file, title: 'the file', message }]
}
