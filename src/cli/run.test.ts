/** The command line as a whole, in processes: help, examples, exit codes, colour, and output that nobody reads. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { commands } from './commands.js'
import { packageVersion } from './version.js'

const bin = fileURLToPath(new URL('../../bin/marina.js', import.meta.url))
const marina = (...words: string[]) =>
  spawnSync(process.execPath, [bin, ...words], { encoding: 'utf8', env: { ...process.env, NO_COLOR: '' } })

describe('marina', () => {
  test('--version prints the version of the package', () => {
    const { stdout, status } = marina('--version')
    expect(stdout).toBe(`${packageVersion()}\n`)
    expect(status).toBe(0)
  })

  test('--help names every command with an example', () => {
    const { stdout, status } = marina('--help')
    expect(status).toBe(0)
    for (const { name, summary, example } of commands) {
      expect(stdout).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'))
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(summary)
      expect(stdout).toContain(example)
    }
  })

  test.each(commands.map(({ name }) => name))('%s --help has examples', (name) => {
    const { stdout, stderr, status } = marina(name, '--help')
    // A command that is only a family of commands shows what each of them is for.
    const isFamily = /^Commands:/m.test(stdout)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(isFamily ? /^Commands:/m : /^Examples?:/m)
  })

  test.each([
    [['nonsense'], /unknown command 'nonsense'/],
    [['serve', '--nonsense'], /unknown option '--nonsense'/],
    [['serve', '--workers', 'many'], /--workers must be .*, but it is "many"/],
    [['demo', '--port', 'x'], /A port is a whole number/],
  ])('%j is misuse: exit code 2, and stderr says why', (words, why) => {
    const { stdout, stderr, status } = marina(...words)
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(why)
  })

  test('what fails ends with 1 and one line without a stack', () => {
    const { stderr, status } = marina('serve', 'no-such.mar')
    expect(status).toBe(1)
    expect(stderr).toBe('error: Model not found at: no-such.mar\n')
  })

  test('no escape codes go into a pipe', () => {
    for (const words of [['--help'], ['serve', '--help'], ['nonsense']]) {
      const { stdout, stderr } = marina(...words)
      expect(stdout + stderr).not.toContain('\u001b[')
    }
  })

  test('a reader that stops reading is no error', () => {
    const { status, stderr } = spawnSync(
      'bash',
      ['-c', `set -o pipefail; "$0" "$1" --help | head -1`, process.execPath, bin],
      {
        encoding: 'utf8',
      },
    )
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })
})
