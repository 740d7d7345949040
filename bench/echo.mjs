// The least that a server with a worker process can do: Node's http server passes each body over a Unix socket to a
// child, in Node or with `--python` in Python, which sends it back. A frame is u32 key · u32 length · body, so that answers find their requests.
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'

const isPython = process.argv.includes('--python')
const program = fileURLToPath(new URL(isPython ? 'echo-child.py' : 'echo-child.mjs', import.meta.url))
const child = spawn(isPython ? 'python3' : process.execPath, [program], {
  stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
})
const socket = child.stdio[3]
const waiting = new Map()
let lastKey = 0
let held = Buffer.alloc(0)

socket.on('data', (bytes) => {
  held = held.length === 0 ? bytes : Buffer.concat([held, bytes])
  let at = 0
  while (held.length - at >= 8) {
    const end = at + 8 + held.readUInt32LE(at + 4)
    if (end > held.length) break
    const key = held.readUInt32LE(at)
    const response = waiting.get(key)
    waiting.delete(key)
    response.writeHead(200, { 'content-length': end - at - 8 })
    response.end(held.subarray(at + 8, end))
    at = end
  }
  held = held.subarray(at)
})

const server = createServer((request, response) => {
  const pieces = []
  request.on('data', (piece) => pieces.push(piece))
  request.on('end', () => {
    const body = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
    const head = Buffer.allocUnsafe(8)
    const key = (lastKey = (lastKey + 1) >>> 0)
    head.writeUInt32LE(key, 0)
    head.writeUInt32LE(body.length, 4)
    waiting.set(key, response)
    socket.cork()
    socket.write(head)
    socket.write(body)
    process.nextTick(() => socket.uncork())
  })
})
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  console.log(JSON.stringify({ port: server.address().port, pid: process.pid, workers: [child.pid] }))
})
process.on('SIGTERM', () => {
  child.kill()
  process.exit(0)
})
