/** `marina chaos`: a server of its own under load and faults; the exit code says whether a request was lost. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { chaosJson, chaosText, faultLine, lostIn, type ChaosReport } from './chaos/report.js'
import { probe, runChaos, runHandover, serveSubjects, type HandoverResult } from './chaos/run.js'
import { givenSubjects, ownSubjects, RECYCLE_ABOVE, type Subject } from './chaos/subject.js'
import { invalidFile, messageOf } from '../errors.js'
import { EXIT } from './exit.js'
import { startServerProcess, type ServerProcess } from './server-process.js'
import { stopSignal } from './stop-signal.js'
import { styleFor } from './terminal.js'

interface ChaosFlags {
  readonly seconds: number
  readonly connections: number
  readonly data?: string
  readonly handover: boolean
  readonly json: boolean
}

/** Defines the command. */
export function define(command: Command): void {
  command
    .argument('[archives...]', 'what to load; two archives of one model are rolled out in turn')
    .description(
      'Starts a server of its own, loads it with clients that never try again, and kills, stops and fattens workers, fills the queue, rolls out and scales. Exit code 1 when a request was lost.',
    )
    .addOption(count('--seconds <n>', 'How long the load runs.').default(60))
    .addOption(count('--connections <n>', 'Clients, shared among the models.').default(16))
    .option('--data <file>', 'Body of each request; default: the first example of an archive.')
    .option('--handover', 'Then SIGTERM under load, with clients that try again at a second server.', false)
    .option('--json', 'Print one line of JSON on stdout; everything else goes to stderr.', false)
    .addHelpText(
      'after',
      `
Without archives, a small TypeScript and a small Python model are loaded.

Examples:
  marina chaos
  marina chaos --seconds 20 --handover
  marina chaos digits-1.0.mar digits-2.0.mar --data seven.png`,
    )
    .action(chaos)
}

const count = (flag: string, description: string): Option =>
  new Option(flag, description).argParser((text: string) => {
    if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
    throw new InvalidArgumentError('It is a whole number from 1 to 99999.')
  })

async function chaos(archives: readonly string[], flags: ChaosFlags): Promise<void> {
  const output = flags.json ? process.stderr : process.stdout
  const style = styleFor(output)
  const stop = stopSignal('What was counted is printed.')
  const store = await mkdtemp(join(tmpdir(), 'marina-chaos-'))
  try {
    const data = flags.data === undefined ? undefined : await readData(flags.data)
    const subjects =
      archives.length > 0 ? await givenSubjects(archives, { store, data }) : await ownSubjects(store)
    const report = await run(subjects, { flags, store, signal: stop.signal, output })
    if (flags.json) process.stdout.write(`${JSON.stringify(chaosJson(report))}\n`)
    output.write(chaosText(report, { style, terminal: output.isTTY }))
    if (lostIn(report) > 0) process.exitCode = EXIT.failed
  } finally {
    stop.release()
    await rm(store, { recursive: true, force: true })
  }
}

async function readData(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw invalidFile(file, `cannot be read for --data (${messageOf(error)})`, error)
  }
}

interface RunParts {
  readonly flags: ChaosFlags
  readonly store: string
  readonly signal: AbortSignal
  readonly output: NodeJS.WriteStream
}

async function run(subjects: readonly Subject[], parts: RunParts): Promise<ChaosReport> {
  const { flags, signal, output } = parts
  const { connections } = flags
  const style = styleFor(output)
  output.write(
    `${style.bold('Marina chaos')}  ${subjects.map(({ model }) => model).join(', ')}: two workers each, a kill every 2 s\n\n`,
  )
  const servers: ServerProcess[] = []
  const start = async () => {
    const server = await startServer(subjects, parts)
    servers.push(server)
    return server
  }
  try {
    const server = await start()
    const startedMs = performance.now()
    const onFault = (fault: Parameters<typeof faultLine>[0]) => output.write(`${faultLine(fault, style)}\n`)
    const result = await runChaos({ ...flags, server, subjects, signal, onFault })
    const seconds = (performance.now() - startedMs) / 1000
    let handover: HandoverResult | undefined
    if (flags.handover && !signal.aborted)
      handover = await runHandover({ servers: [server, await start()], subjects, connections, signal })
    return { ...result, seconds, connections, handover }
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

const QUEUE_BEYOND_LOAD = 100

async function startServer(
  subjects: readonly Subject[],
  { store, signal, flags }: RunParts,
): Promise<ServerProcess> {
  // Room for the whole load, so that only a flood fills it.
  const queue = String(flags.connections + QUEUE_BEYOND_LOAD)
  const ports = ['inference', 'management', 'metrics'].flatMap((role) => [`--${role}-port`, '0'])
  const recycling = subjects.some(({ grow }) => grow) ? ['--recycle-above-memory', RECYCLE_ABOVE] : []
  const words = ['--model-store', store, '--job-queue-size', queue, ...recycling, ...ports]
  const server = await startServerProcess({ words, signal })
  try {
    await serveSubjects(server, subjects, signal)
    await probe(server, subjects)
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}
