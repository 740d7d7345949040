/** Runs a command to its end and says what it took. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('child-usage.py', import.meta.url))

/** `{ seconds, cpuSeconds, peakBytes }` of one run in the folder `cwd`; throws when it fails. */
export function usageOf(command, { cwd }) {
  const { exit, ...usage } = JSON.parse(
    execFileSync('python3', [script, ...command], { cwd, encoding: 'utf8' }),
  )
  if (exit !== 0) throw new Error(`exit code ${exit} of ${command.join(' ')}`)
  return usage
}
