/* global setInterval, clearInterval */
// A load on one URL over kept connections, for the figures that wrk cannot give: a constant rate, and percentiles minute by
// minute. `node bench/steady-load.mjs URL --connections N --seconds S [--rate R] [--bytes B] [--windows W]` prints one line
// of JSON: { requests, errors, perSecond, p50Us, p99Us, windows: [{ p50Us, p99Us, requests }] }. Without --rate each
// connection sends as fast as it is answered. With it, requests fall due at each millisecond; one that finds no free
// connection waits, and its time counts from when it was due, so that a server that stalls cannot hide it.
import { connect } from 'node:net'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    connections: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '0' },
    bytes: { type: 'string', default: '784' },
    windows: { type: 'string', default: '1' },
  },
})
const url = new URL(positionals[0])
const [connections, seconds, rate, bytes, windows] = [
  'connections',
  'seconds',
  'rate',
  'bytes',
  'windows',
].map((name) => Number(values[name]))
const request = Buffer.from(
  `POST ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: application/octet-stream\r\n` +
    `content-length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`,
  'latin1',
)
// Times up to 20 s in steps of 1 % from 1 µs on, one histogram for each window.
const STEPS = 1700
const histograms = Array.from({ length: windows }, () => new Uint32Array(STEPS))
const stepOf = (us) => Math.min(STEPS - 1, Math.max(0, Math.round(Math.log(us) / Math.log(1.01))))
const usOf = (step) => 1.01 ** step

let errors = 0
let stopped = false
const due = []
const idle = []
const sockets = Array.from({ length: connections }, open)
await Promise.all(sockets.map(({ ready }) => ready))
const startedMs = performance.now()
const timer = rate > 0 ? setInterval(fallDue, 1) : undefined
let sent = 0
if (rate === 0) for (const socket of sockets) socket.send(performance.now())
await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
stopped = true
clearInterval(timer)
const tookS = (performance.now() - startedMs) / 1000
for (const { end } of sockets) end()

const whole = histograms.reduce(
  (sum, histogram) => sum.map((count, i) => count + histogram[i]),
  new Uint32Array(STEPS),
)
const { requests, ...percentiles } = summary(whole)
console.log(
  JSON.stringify({
    requests,
    errors,
    perSecond: requests / tookS,
    ...percentiles,
    windows: histograms.map(summary),
  }),
)

function fallDue() {
  const nowMs = performance.now()
  const total = Math.floor(((nowMs - startedMs) / 1000) * rate)
  for (; sent < total; sent++) {
    const socket = idle.pop()
    if (socket) socket.send(nowMs)
    else due.push(nowMs)
  }
}

/** One connection with one request under way. */
function open() {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
  let sinceMs = 0
  let held = ''
  const self = {
    ready: new Promise((resolve) => socket.once('connect', resolve)),
    send(fromMs) {
      sinceMs = fromMs
      socket.write(request)
    },
    end: () => socket.destroy(),
  }
  socket.on('data', (data) => {
    held += data.toString('latin1')
    if (!isWhole(held)) return
    if (!held.startsWith('HTTP/1.1 200')) errors++
    held = ''
    answered(self, sinceMs)
  })
  socket.on('error', () => stopped || errors++)
  if (rate > 0) idle.push(self)
  return self
}

function isWhole(text) {
  const head = text.indexOf('\r\n\r\n')
  if (head < 0) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(text)
  return text.length >= head + 4 + Number(length?.[1] ?? 0)
}

function answered(socket, sinceMs) {
  const nowMs = performance.now()
  const window = Math.floor(((nowMs - startedMs) / 1000 / seconds) * windows)
  histograms[Math.min(windows - 1, window)][stepOf((nowMs - sinceMs) * 1000)]++
  if (stopped) return
  if (rate === 0) socket.send(nowMs)
  else if (due.length > 0) socket.send(due.shift())
  else idle.push(socket)
}

function summary(histogram) {
  const requests = histogram.reduce((sum, count) => sum + count, 0)
  const at = (share) => {
    let left = share * requests
    return Math.round(usOf(histogram.findIndex((count) => (left -= count) <= 0)))
  }
  return { requests, p50Us: at(0.5), p99Us: at(0.99) }
}
