/** Log records as a process writes them: they go to a file descriptor, so a process is what can be looked at. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import type { LogLevel } from '../log.js'
import type { LogFormat } from './logger.js'

const bundler = new URL('../../scripts/bundled.mjs', import.meta.url).href

/** What `code` writes with a logger named `log`. */
function written(code: string, options: { level: LogLevel; format: LogFormat }) {
  const script = `import { importBundled } from ${JSON.stringify(bundler)}
    const { createLogger } = await importBundled('src/cli/logger.ts')
    const log = createLogger(${JSON.stringify(options)})
    ${code}`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  expect(stdout).toBe('')
  return stderr.trimEnd().split('\n')
}

test('JSON has time, level, message and the fields of all its loggers', () => {
  const [line = ''] = written(`log.child({ model: 'm' }).child({ worker: 9000 }).warn('Odd.', { id: 'x' })`, {
    level: 'info',
    format: 'json',
  })
  expect(JSON.parse(line)).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
    model: 'm',
    worker: 9000,
    id: 'x',
    message: 'Odd.',
  })
})

test('records below the level are not written', () => {
  const code = `for (const level of ['debug', 'info', 'warn', 'error']) log[level](level)`
  const levels = written(code, { level: 'warn', format: 'json' }).map(
    (line) => (JSON.parse(line) as { level: string }).level,
  )
  expect(levels).toEqual(['warn', 'error'])
})

test('a pipe gets JSON unless told otherwise', () => {
  const [line = ''] = written(`log.info('Here.')`, { level: 'info', format: 'auto' })
  expect(JSON.parse(line)).toMatchObject({ message: 'Here.' })
})

test('for people a record is one line, and what has several lines follows indented', () => {
  const lines = written(`log.error('Worker ended.', { worker: 9000, stderr: ['one', 'two'] })`, {
    level: 'info',
    format: 'pretty',
  })
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d error Worker ended\. {2}worker=9000$/)
  expect(lines.slice(1)).toEqual(['    stderr:', '      one', '      two'])
})
