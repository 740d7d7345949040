/** The unit tests of python/, which are in Python (test/python) and need its standard library only. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runPythonTest } from './support/python-unit.js'

const folder = fileURLToPath(new URL('python/', import.meta.url))
const files = readdirSync(folder).filter((name) => /^test_.*\.py$/.test(name))

test.each(files)('%s passes', async (file) => {
  const stderr = await runPythonTest(`${folder}${file}`, 'python3', ['-W', 'error'])
  expect(stderr).toMatch(/^Ran [1-9]\d* tests? in [\s\S]*\nOK\n$/m)
})
