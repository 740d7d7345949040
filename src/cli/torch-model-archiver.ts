/** The command `torch-model-archiver`: the drop-in. What it does is in torch-model-archiver-run.ts. */
import { runArchiver } from './torch-model-archiver/run.js'

const controller = new AbortController()
const stopped: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 130, SIGTERM: 143 }
let stoppedBy: NodeJS.Signals | undefined
const stop = (name: NodeJS.Signals) => {
  stoppedBy = name
  controller.abort()
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)

const exitCode = await runArchiver(process.argv.slice(2), {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  signal: controller.signal,
})
process.off('SIGINT', stop)
process.off('SIGTERM', stop)
process.exitCode = (stoppedBy && stopped[stoppedBy]) ?? exitCode
