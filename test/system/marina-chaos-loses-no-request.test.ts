/** `marina chaos` itself: a short run with every fault that fits, a stop by Ctrl-C, and the exit code when something is lost. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { pack } from '../../src/archive/pack.js'
import { ServerTests } from '../support/served.js'

const tests = new ServerTests()
afterAll(() => tests.close())

interface Counts {
  readonly lost: number
  readonly sent: number
  readonly answered: number
  readonly models: readonly { readonly model: string; readonly answered: number }[]
  readonly faults: readonly { readonly kind: string; readonly times: number; readonly hit: number }[]
  readonly handover?: { readonly sent: number; readonly answered: number; readonly ended: string }
}

async function chaos(...words: readonly string[]): Promise<{ code: number | string; counts: Counts }> {
  const program = tests.run(['chaos', '--json', ...words])
  const [line] = await program.until(/^\{"seconds".*$/m)
  return { code: await program.exited, counts: JSON.parse(line) as Counts }
}

test('twelve seconds of kills, stops, rollout, scaling, growth and flood lose no request, nor does a handover', async () => {
  const { code, counts } = await chaos('--seconds', '12', '--connections', '8', '--handover')
  expect(counts).toMatchObject({ lost: 0, answered: counts.sent, handover: { ended: 'exit code 0' } })
  expect(counts.handover?.answered).toBe(counts.handover?.sent)
  expect(counts.models.map(({ model, answered }) => [model, answered > 0])).toEqual([
    ['typescript', true],
    ['python', true],
  ])
  const others = ['stop', 'rollout', 'scale', 'grow', 'flood'].map((kind) => ({ kind, times: 1, failed: 0 }))
  expect(counts.faults).toMatchObject([{ kind: 'kill', times: 6, failed: 0 }, ...others])
  // Whether one of them hits a running job is luck; of six kills and a stop together, some do.
  expect(counts.faults.map(({ hit }) => hit).reduce((sum, hit) => sum + hit)).toBeGreaterThan(0)
  expect(code).toBe(0)
})

const FAILING = `
let asked = 0
export default {
  inference: (rows) => rows.map(() => {
    if (asked++ > 0) throw new Error('once is enough')
    return 'fine'
  }),
}
`

test('a run in which requests are answered with errors exits with 1 and says how many', async () => {
  const handler = join(tests.folder, 'failing.js')
  writeFileSync(handler, FAILING)
  const { file } = await pack({ modelName: 'failing', version: '1.0', handler, exportPath: tests.folder })
  const data = join(tests.folder, 'input.txt')
  writeFileSync(data, 'anything')
  const { code, counts } = await chaos(file, '--data', data, '--seconds', '1', '--connections', '2')
  expect(counts.lost).toBeGreaterThan(0)
  expect(counts.sent - counts.answered).toBe(counts.lost)
  expect(code).toBe(1)
})

test('Ctrl-C ends the run, and what was counted is still printed', async () => {
  const program = tests.run(['chaos', '--seconds', '600', '--connections', '2'])
  await program.until(/\d s {2}kill /)
  program.child.kill('SIGINT')
  await program.until(/Nothing was lost\./)
  expect(await program.exited).toBe(0)
})

test('a --data file that is not there is named, and nothing is started', async () => {
  const program = tests.run(['chaos', '--data', 'no-such-file'])
  await program.until(/^error: no-such-file: cannot be read for --data/m)
  expect(await program.exited).toBe(1)
})

test('an archive that carries no example needs --data', async () => {
  const archive = await tests.archive('silent', 'export default { inference: (rows) => rows }')
  const program = tests.run(['chaos', archive])
  await program.until(
    /What silent is to be asked is not known: its archive has no examples\. Give --data FILE\./,
  )
  expect(await program.exited).toBe(2)
})
