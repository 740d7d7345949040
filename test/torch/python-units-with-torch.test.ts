/** The unit tests of python/ that need torch or numpy, in Python (test/torch/python), under Debian's interpreter. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runPythonTest } from '../support/python-unit.js'

const folder = fileURLToPath(new URL('python/', import.meta.url))
const files = readdirSync(folder).filter((name) => /^test_.*\.py$/.test(name))

test.each(files)('%s passes', async (file) => {
  const stderr = await runPythonTest(`${folder}${file}`, '/usr/bin/python3')
  expect(stderr).toMatch(/^Ran [1-9]\d* tests? in [\s\S]*\nOK\n$/m)
})
