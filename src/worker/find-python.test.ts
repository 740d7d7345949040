/** Which Python is found, and what is said of one that cannot be used. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { memoryLogger, type LogRecord } from '../log.js'
import { findPython } from './find-python.js'
import { createPythonRuntime } from './python-runtime.js'

const folder = mkdtempSync(join(tmpdir(), 'marina-find-python-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A program that says it is a Python. */
function fake(name: string, script: string): string {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}
const version = (text: string) => `echo /the/python; echo ${text}`

describe('Python', () => {
  test('is python3 of the search path where nothing else is said', async () => {
    const { VIRTUAL_ENV: _, ...environment } = process.env
    const python = await findPython(undefined, environment)
    expect(python.origin).toBe('PATH')
    expect(python.version).toMatch(/^3\.\d+\.\d+$/)
    expect(python.executable).toMatch(/python/)
  })

  test('is that of the active virtual environment, but for the setting', async () => {
    fake('venv/bin/python', version('3.9.1'))
    const environment = { ...process.env, VIRTUAL_ENV: join(folder, 'venv') }
    expect(await findPython(undefined, environment)).toEqual({
      executable: '/the/python',
      version: '3.9.1',
      origin: 'VIRTUAL_ENV',
    })
    const other = fake('other', version('4.0.0'))
    expect(await findPython(other, environment)).toMatchObject({
      version: '4.0.0',
      origin: 'the setting python',
    })
  })

  test.each([
    ['is not there', join(folder, 'absent'), 'it is not there'],
    ['is too old', fake('old', version('3.7.17')), 'it is Python 3.7.17'],
    ['is Python 2', fake('older', version('2.7.18')), 'it is Python 2.7.18'],
    ['is no Python', fake('no', 'echo hello'), 'it answered "hello\\n"'],
    ['fails', fake('fails', 'echo broken >&2; exit 3'), 'broken'],
  ])('that %s is refused with what to do', async (_, setting, why) => {
    const error = findPython(setting, process.env)
    await expect(error).rejects.toMatchObject({ code: 'worker-failed' })
    await expect(error).rejects.toThrow(why)
    await expect(error).rejects.toThrow('Install Python, or name one with --python.')
  })
})

describe('the Python of a server', () => {
  test('is looked for once and said once', async () => {
    const records: LogRecord[] = []
    const count = join(folder, 'count')
    const setting = fake('counted', `echo x >> ${count}; ${version('3.11.7')}`)
    const runtime = createPythonRuntime(
      { setting, environment: {}, decodeInput: true, allowPickles: true },
      memoryLogger(records),
    )
    expect(() => runtime.options()).toThrow('no Python has been looked for')
    await Promise.all([runtime.prepare(), runtime.prepare()])
    await runtime.prepare()
    expect(runtime.options()).toEqual({
      executable: '/the/python',
      environment: {},
      decodeInput: true,
      allowPickles: true,
    })
    expect(records.map(({ message }) => message)).toEqual([
      'Python models run under Python 3.11.7: /the/python (the setting python).',
    ])
  })

  test('is looked for again where there was none', async () => {
    const setting = join(folder, 'late')
    const runtime = createPythonRuntime(
      { setting, environment: {}, decodeInput: true, allowPickles: true },
      memoryLogger([]),
    )
    await expect(runtime.prepare()).rejects.toThrow('it is not there')
    fake('late', version('3.12.0'))
    await runtime.prepare()
    expect(runtime.options().executable).toBe('/the/python')
  })
})
