/** Load from wrk (apt-get install wrk) on servers that take turns, with the processor time of their processes beside. */
import { execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { median } from './table.mjs'

const CLOCK_TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Throws with the cure where wrk is not there. */
export function checkWrk() {
  try {
    execFileSync('wrk', ['-v'], { stdio: 'ignore' })
  } catch (error) {
    if (error.code === 'ENOENT')
      throw new Error('wrk is not there. Install it: apt-get install wrk', { cause: error })
  }
}

/** The words after `) ` of /proc/<pid>/stat: state, parent, … (proc(5)); undefined when the process is gone. */
function statOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  } catch {
    return undefined
  }
}

/** CPU time of a process so far, user and system, in microseconds. */
export function cpuUs(pid) {
  const fields = statOf(pid)
  return fields ? ((Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS) * 1e6 : 0
}

/** A process and all below it, the process first. */
export function treeOf(root) {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const parents = new Map(all.map((pid) => [Number(pid), Number(statOf(pid)?.[1])]))
  const from = (pid) => [
    pid,
    ...[...parents].filter(([, of]) => of === pid).flatMap(([child]) => from(child)),
  ]
  return from(root)
}

/**
 * A script for wrk that posts the bodies one after the other and prints what came of it as JSON. Each body is kept as a
 * file of its own, since Lua's texts would need every byte escaped.
 */
export function wrkScript(work, { name, bodies, type = 'application/octet-stream' }) {
  const files = bodies.map((body, at) => {
    const file = join(work, `${name}-${at}.body`)
    writeFileSync(file, body)
    return file
  })
  const script = join(work, `${name}.lua`)
  const text = `local requests, at = {}, 0
init = function()
  for file in string.gmatch("${files.join(' ')}", "%S+") do
    local handle = io.open(file, "rb")
    local body = handle:read("*a")
    -- wrk has room for few descriptors beside its connections.
    handle:close()
    table.insert(requests, wrk.format("POST", nil, {["Content-Type"] = "${type}"}, body))
  end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
done = function(summary, latency)
  io.write(string.format('\\n{"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"errors":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write))
end
`
  writeFileSync(script, text)
  return script
}

// Not execFileSync: the servers' output must be read meanwhile.
function wrk(url, { connections, seconds, script }) {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '-s', script, url]
  return new Promise((resolve, reject) => {
    const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (piece) => (text += piece))
    child.once('error', reject)
    child.once('close', (code) => {
      try {
        resolve(JSON.parse(text.trim().split('\n').at(-1)))
      } catch (cause) {
        reject(new Error(`wrk ended with ${code}, without figures`, { cause }))
      }
    })
  })
}

/** One measurement. The first of a server's `pids` is the server, the others are its workers. */
export async function measure(server, load) {
  const before = server.pids.map(cpuUs)
  const result = await wrk(server.url, load)
  if (result.errors > 0) throw new Error(`${server.name}: ${result.errors} requests failed`)
  const used = server.pids.map((pid, i) => cpuUs(pid) - before[i])
  return {
    p50Ms: result.p50Us / 1000,
    p99Ms: result.p99Us / 1000,
    requestsPerSecond: result.requests / (result.durationUs / 1e6),
    serverCpuUs: used[0] / result.requests,
    workerCpuUs: used.slice(1).reduce((sum, us) => sum + us, 0) / result.requests,
  }
}

function signalAll(pids, signal) {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // A pool's process may have come and gone.
    }
  }
}

/** How long workers go on alone. Triton's first act is to look whether its stub has answered in time while both stood still. */
const HEAD_START_MS = 200

/** Workers go on before their server does: it would take one that stands still for dead. */
async function goOn(servers) {
  signalAll(
    servers.flatMap(({ pids }) => pids.slice(1)),
    'SIGCONT',
  )
  await new Promise((resolve) => setTimeout(resolve, HEAD_START_MS))
  signalAll(
    servers.flatMap(({ pids }) => pids.slice(0, 1)),
    'SIGCONT',
  )
}

const halt = (servers) =>
  signalAll(
    servers.flatMap(({ pids }) => pids),
    'SIGSTOP',
  )

/**
 * Measures all servers under each load, in turn, those that wait stopped, so that what they do at rest costs nobody; the
 * first round warms up. A load without a script takes that of `scriptOf(server)`; a server may have `loads` and a `measure` of its own.
 * A server that fails ends the measuring; where there is an `onFailure(server, error)`, only its own. Resolves with `of(load, server, figure)`.
 */
export async function measureAll(servers, loads, { rounds, scriptOf, onFailure }) {
  const samples = new Map()
  const failed = new Set()
  const measureOne = async (server, round) => {
    for (const load of server.loads ?? loads) {
      const script = load.script ?? scriptOf?.(server.name)
      const sample = await (server.measure ?? measure)(server, { ...load, script })
      const key = `${load.name} ${server.name}`
      if (round > 0) samples.set(key, [...(samples.get(key) ?? []), sample])
    }
  }
  const fail = (server, error) => {
    if (!onFailure) throw error
    failed.add(server)
    onFailure(server, error)
  }
  halt(servers)
  try {
    for (let round = 0; round <= rounds; round++) {
      for (const server of servers.filter((one) => !failed.has(one))) {
        await goOn([server])
        await measureOne(server, round).catch((error) => fail(server, error))
        halt([server])
      }
    }
  } finally {
    await goOn(servers)
  }
  return (load, server, figure) => median(samples.get(`${load} ${server}`).map((sample) => sample[figure]))
}
