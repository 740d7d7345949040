/** A command that measures the host: what it is given, what of its words counts, and how it fails (contract metrics §8.2). */
import { describe, expect, test } from 'vitest'
import { measureByCommand, valuesOf } from './host-command.js'

const END = '|#hostname:host-1,1717105563'

describe('of an output', () => {
  test('each line of the grammar is a value, with what stands behind the names of its dimensions', () => {
    const lines = [
      `CPUUtilization.Percent:12.5|#Level:Host${END}`,
      `GPUUtilization.Percent:5|#Level:Host,DeviceId:0${END}`,
      `Fans.Count:1e-05|#${END}`,
    ]
    expect(valuesOf(lines.join('\n'))).toEqual([
      { name: 'CPUUtilization', value: 12.5, labels: ['Host'] },
      { name: 'GPUUtilization', value: 5, labels: ['Host', '0'] },
      { name: 'Fans', value: 1e-5, labels: [] },
    ])
  })

  test.each(['hello', `A.B:|#${END}`, `A.B:1.2.3|#${END}`, `A:1|#${END}`, 'A.B:1|#Level:Host'])(
    '%j is left out',
    (line) => {
      expect(valuesOf(`${line}\nA.B:1|#${END}`)).toHaveLength(1)
    },
  )

  test('what follows an empty line counts no more', () => {
    expect(valuesOf(`A.B:1|#${END}\n\nC.D:2|#${END}\n4711:1048576\n`)).toHaveLength(1)
  })
})

/** Runs words of a Node program as the command. */
function measure(program: string, { timeoutMs = 60_000 } = {}) {
  const complaints: string[] = []
  const values = measureByCommand({
    command: process.execPath,
    args: ['-e', program, 'word'],
    env: { ...process.env, MEASURED: 'yes' },
    pids: [4711, 4712],
    timeoutMs,
    signal: new AbortController().signal,
    complain: (text) => complaints.push(text),
  })
  return { values, complaints }
}

test('a command is given its arguments, the environment of the workers, and their process ids on stdin', async () => {
  const { values } = measure(`
    const pids = require('node:fs').readFileSync(0, 'utf8')
    const labels = [process.argv[1], process.env.MEASURED, pids.trimEnd().replace(',', ' ')]
    console.log('A.B:1|#' + labels.map((label) => 'x:' + label).join() + '|#hostname:h,1')`)
  expect(await values).toEqual([{ name: 'A', value: 1, labels: ['word', 'yes', '4711 4712'] }])
})

test('what it says on stderr is passed on, whether or not it measures', async () => {
  const { values, complaints } = measure(`console.error('no fans'); console.log('A.B:1|#|#hostname:h,1')`)
  expect(await values).toHaveLength(1)
  expect(complaints).toEqual(['no fans'])
})

test.each([
  ['fails', 'process.exit(3)', {}, /: it ended with code 3\.$/],
  ['hangs', 'setInterval(() => {}, 1000)', { timeoutMs: 200 }, /: it ended with SIGKILL\.$/],
  [
    'never stops talking',
    `const say = () => process.stdout.write('x'.repeat(65536), say); say()`,
    {},
    /: it ended with SIGKILL\.$/,
  ],
])('one that %s is an error', async (_, program, options, message) => {
  await expect(measure(program, options).values).rejects.toMatchObject({
    code: 'misuse',
    message: expect.stringMatching(message) as string,
  })
})
