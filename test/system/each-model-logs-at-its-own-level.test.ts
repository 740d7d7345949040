/** `logLevel` of a model, in its file or in the `models` JSON, decides what of its handler and its workers is logged. */
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { predict } from '../support/registered.js'
import { ServerTests } from '../support/served.js'

const tests = new ServerTests()
afterAll(() => tests.close())

const PYTHON = `
import logging, sys
def handle(data, context):
    if data is None:
        return None
    for level in ("debug", "info", "warning", "error"):
        getattr(logging, level)("%s says %s", context.model_name, level)
    print(context.model_name, "prints", flush=True)
    print(context.model_name, "complains", file=sys.stderr, flush=True)
    return ["said"] * len(data)
`

const NODE = `export default { inference: (rows, state, jobs) => {
  console.log('node prints')
  console.error('node complains')
  return jobs.map(() => 'said')
} }`

function python(name: string, yaml: string): string {
  const folder = tests.pythonModel(name, PYTHON, { configFile: 'model-config.yaml' })
  writeFileSync(join(folder, 'model-config.yaml'), yaml)
  return folder
}

/** What the handler of each model has logged, as `level text`. */
async function logged(): Promise<readonly string[]> {
  const models = JSON.stringify({ named: { '1.0': { logLevel: 'warn' } } })
  const own = { configFile: 'model-config.yaml' }
  const node = tests.model('node', { 'handler.js': NODE, 'model-config.yaml': 'logLevel: warn\n' }, own)
  const served = await tests.serve([
    ...[python('loud', 'logLevel: debug\n'), python('plain', '{}\n'), python('named', '{}\n')],
    ...[python('quiet', 'logLevel: error\n'), node, '--log-format', 'json'],
    ...['--ts-config', tests.file('config.properties', `models=${models}\n`)],
  ])
  for (const name of ['loud', 'plain', 'named', 'quiet', 'node'])
    expect(await predict(served, name, 'x')).toEqual({ status: 200, text: 'said' })
  // Its last records are written, too.
  served.child.kill('SIGTERM')
  expect(await served.exited).toBe(0)
  const lines = served.stderr.split('\n').filter((line) => / (says|prints|complains)/.test(line))
  return lines.map((line) => {
    const { level, message } = JSON.parse(line) as { level: string; message: string }
    return `${level} ${message}`
  })
}

test('each model is as loud as it says, or as the server is', async () => {
  const lines = await logged()
  const of = (name: string) => lines.filter((line) => line.includes(` ${name} `)).sort()
  const warnings = (name: string) => [
    `error ${name} says error`,
    `warn ${name} complains`,
    `warn ${name} says warning`,
  ]
  const infos = (name: string) => [`info ${name} prints`, `info ${name} says info`]
  expect(of('loud')).toEqual(['debug loud says debug', ...warnings('loud'), ...infos('loud')].sort())
  expect(of('plain')).toEqual([...warnings('plain'), ...infos('plain')].sort())
  expect(of('named')).toEqual(warnings('named').sort())
  expect(of('quiet')).toEqual(['error quiet says error'])
  expect(of('node')).toEqual(['warn node complains'])
})
