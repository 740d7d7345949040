/** Runs a file of Python unit tests with `python/` on its import path. */
import { execFile } from 'node:child_process'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const library = fileURLToPath(new URL('../../python', import.meta.url))

/** What it says on stderr, where Python's runner writes; rejects with that when a test fails. */
export async function runPythonTest(
  file: string,
  python: string,
  options: readonly string[] = [],
): Promise<string> {
  const PYTHONPATH = [library, process.env['PYTHONPATH']].filter(Boolean).join(delimiter)
  const env = { ...process.env, PYTHONPATH }
  const { stderr } = await promisify(execFile)(python, [...options, file], { env })
  return stderr
}
