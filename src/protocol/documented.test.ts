/** docs/protocol.md lists the messages that there are, with their numbers, and names the limits and the version. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { MAX_BODY_BYTES, MAX_HEADER_BYTES, PREFIX_BYTES } from './frame.js'
import { frameKinds, PROTOCOL_VERSION } from './messages.js'

const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
const section = (title: string) => page.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? ''

function listed(title: string): Record<string, number> {
  const rows = section(title).matchAll(/^\| `([a-z-]+)` \| (\d+) \|/gm)
  return Object.fromEntries([...rows].map(([, kind = '', number = '']) => [kind, Number(number)]))
}

test('the page lists exactly the messages that there are', () => {
  expect(listed('Messages of the server')).toEqual(frameKinds.down)
  expect(listed('Messages of a worker')).toEqual(frameKinds.up)
})

test('the page names the version and the limits of a frame', () => {
  expect(page).toContain(`version **${PROTOCOL_VERSION}**`)
  expect(page).toContain(`at most ${MAX_HEADER_BYTES / 2 ** 20} MiB`)
  expect(page).toContain(`at most ${MAX_BODY_BYTES / 2 ** 20} MiB`)
  expect(page).toContain(`| ${PREFIX_BYTES} | *h* |`)
})
