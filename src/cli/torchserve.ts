/**
 * The command `torchserve`: the drop-in. Without `--foreground` the server is this same program again, in a process of
 * its own that keeps our output: scripts read the log from the pipe that they started us with.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { writePidFile } from './pid-file.js'
import { runTorchserve } from './torchserve/run.js'

const SERVER = fileURLToPath(new URL('torchserve-main.js', import.meta.url))

process.exitCode = await runTorchserve(process.argv.slice(2), {
  environment: process.env,
  cwd: process.cwd(),
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  writePid: writePidFile,
  spawnServer(words) {
    const child = spawn(process.execPath, [SERVER, ...words], { stdio: 'inherit' })
    child.unref()
    if (child.pid === undefined) throw new Error(`The server's process could not be started: ${SERVER}`)
    return child.pid
  },
  async serve(options) {
    const { serveTorchserve } = await import('./torchserve/server.js')
    return serveTorchserve(options)
  },
})
