/** docs/errors.md lists exactly the codes of src/errors.ts, each with its status and TorchServe type. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { errorTable } from '../src/errors.js'

test('docs/errors.md and the table say the same', () => {
  const page = readFileSync(fileURLToPath(new URL('../docs/errors.md', import.meta.url)), 'utf8')
  const documented = [...page.matchAll(/^\| `([\w-]+)` \| (\d+) \| `(\w+)` \|/gm)].map(
    ([, code, status, type]) => ({
      code,
      status: Number(status),
      type,
    }),
  )
  const table = Object.entries(errorTable).map(([code, { status, type }]) => ({ code, status, type }))
  expect(documented).toEqual(table)
})
