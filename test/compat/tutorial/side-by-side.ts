/**
 * The tutorial's archive on Marina and on TorchServe 0.12.0: the same answers to 1,000 test digits. `npm run tutorial` trains
 * it whole; `-- --record` keeps a small one with TorchServe's answers for `npm test`, `-- --check` asks TorchServe for those again.
 */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { installOriginal, startOriginal, type OriginalServer, type RunningOriginal } from '../original.js'
import { startOurs } from '../ours.js'
import { makeTutorialArchive, PYTHON } from './archive.js'
import { askAll, differences, testDigits, type Answer } from './digits.js'

const recorded = join(process.cwd(), 'test/compat/tutorial/recorded')
const RECORDED_DIGITS = 100
const { values } = parseArgs({
  options: {
    digits: { type: 'string', default: '1000' },
    record: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    /** Six ports from here on; TorchServe's worker takes the next ones. */
    port: { type: 'string', default: '17340' },
  },
})
const first = Number(values.port)
const portsFrom = (port: number) => ({ inference: port, management: port + 1, metrics: port + 2 })
const original = installOriginal()
const work = await mkdtemp(join(tmpdir(), 'marina-tutorial-'))
try {
  if (values.record) await record()
  else if (values.check) await check()
  else await compare(await testDigits(Number(values.digits)))
} finally {
  await rm(work, { recursive: true, force: true })
}

async function compare(digits: readonly Buffer[]): Promise<void> {
  makeTutorialArchive(work, original)
  const theirs = await theirAnswers(digits)
  const ours = await answersOf(startOurs, [`python=${PYTHON}`], { digits, port: first })
  report(differences(ours, theirs), digits.length)
}

async function record(): Promise<void> {
  await mkdir(recorded, { recursive: true })
  await copyFile(makeTutorialArchive(work, original, { profile: 'small' }), join(recorded, 'embedding.mar'))
  const answers = await theirAnswers(await testDigits(RECORDED_DIGITS))
  const lines = answers.map((answer) => JSON.stringify(answer)).join(',\n')
  await writeFile(join(recorded, 'answers.json'), `[\n${lines}\n]\n`)
  console.log(`${answers.length} answers recorded`)
}

async function check(): Promise<void> {
  await copyFile(join(recorded, 'embedding.mar'), join(work, 'embedding.mar'))
  const stored = JSON.parse(await readFile(join(recorded, 'answers.json'), 'utf8')) as Answer[]
  const again = await theirAnswers(await testDigits(RECORDED_DIGITS))
  report(differences(again, stored), stored.length)
}

function theirAnswers(digits: readonly Buffer[]): Promise<Answer[]> {
  const config = [`initial_worker_port=${first + 10}`]
  return answersOf((server) => startOriginal(original, server), config, { digits, port: first + 3 })
}

async function answersOf(
  start: (server: OriginalServer) => Promise<RunningOriginal>,
  config: readonly string[],
  { digits, port }: { digits: readonly Buffer[]; port: number },
): Promise<Answer[]> {
  const ports = portsFrom(port)
  const flags = ['--disable-token-auth', '--models', 'embedding=embedding.mar']
  const lines = [...config, 'default_workers_per_model=1']
  // A pid file of its own: another server on this machine is none of its business.
  const env = { TMPDIR: work }
  const server = await start({ config: lines, flags, env, modelStore: work, ports })
  try {
    return await askAll(ports, digits)
  } finally {
    await server.stop()
  }
}

function report(found: readonly string[], count: number): void {
  for (const difference of found) console.log(difference)
  console.log(`${count - found.length} of ${count} answers are the same (dist to 1e-4, pred)`)
  process.exitCode = found.length === 0 ? 0 : 1
}
