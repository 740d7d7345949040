/** Input that kills whatever worker takes it, in batches of sixteen under load: it fails alone, with the cause (issue: no request lost). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { counted, predict, register, type Seen } from '../support/registered.js'
import { ServerTests, type Served } from '../support/served.js'

const BATCH = 16
const CLIENTS = 32
const REQUESTS = 640
/** Every so many-th request is poison. */
const POISON_EACH = 160

const tests = new ServerTests()
let served: Served
beforeAll(async () => {
  served = await tests.serve(['--model-store', tests.folder, '--log-level', 'error', '--verbose-errors'])
})
afterAll(() => tests.close())

const javascript = `const text = (job) => Buffer.from(job.input.parts[0].data).toString()
export default { async inference(rows, state, jobs) {
  if (jobs.some((job) => text(job) === 'poison')) {
    console.error('cannot digest this')
    process.kill(process.pid, 'SIGSEGV')
  }
  await new Promise((resolve) => setTimeout(resolve, 5))
  return jobs.map((job) => 'seen ' + text(job) + ' of ' + jobs.length)
} }`
const python = `import os, signal, sys, time
def handle(data, context):
    if data is None: return
    words = [row["body"] if isinstance(row["body"], str) else bytes(row["body"]).decode() for row in data]
    if "poison" in words:
        print("cannot digest this", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(0.005)
    return ["seen %s of %d" % (word, len(data)) for word in words]
`

test.each(['TypeScript', 'Python'] as const)('with a %s handler', async (language) => {
  const name = `poisoned-${language}`
  if (language === 'TypeScript') tests.model(name, { 'handler.js': javascript })
  else tests.pythonModel(name, python)
  await register(served, `url=${name}&initial_workers=2&synchronous=true&batch_size=${BATCH}`)

  const answers: Seen[] = []
  const wordOf = (at: number) => (at % POISON_EACH === POISON_EACH / 2 ? 'poison' : String(at))
  let sent = 0
  const client = async () => {
    while (sent < REQUESTS) {
      const at = sent++
      answers[at] = await predict(served, name, wordOf(at))
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))

  const wrong = answers.flatMap(({ status, text }, at) => {
    const word = wordOf(at)
    if (word !== 'poison')
      return status === 200 && text.startsWith(`seen ${word} of `) ? [] : [`${word}: ${text}`]
    return status === 500 && text.includes('Worker died.: killed by SIGSEGV')
      ? []
      : [`poison: ${status} ${text}`]
  })
  expect(wrong).toEqual([])
  const together = answers.map(({ text }) => Number(/ of (\d+)$/.exec(text)?.[1] ?? 0))
  expect(Math.max(...together), 'there were batches').toBeGreaterThan(1)
  const poison = REQUESTS / POISON_EACH
  const outcomes = (outcome: string) =>
    counted(served, 'inference_outcomes_total', `"${name}",model_version="1.0",outcome="${outcome}"`)
  expect([await outcomes('died'), await outcomes('ok')]).toEqual([poison, REQUESTS - poison])
  await served.until(/cannot digest this/)
})
