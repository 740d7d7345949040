/** A Python process that obeys one JSON command a line and answers one a line: the other side of a measurement. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Starts `bench/<script>` with the Python `python`; `ask` sends a command and waits for its answer. */
export function startPython(python, script) {
  const file = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(python, [file], { stdio: ['pipe', 'pipe', 'inherit'], env: environment() })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`)
      const { value, done } = await answers.next()
      if (done) throw new Error(`${script} ended before it answered`)
      return JSON.parse(value)
    },
    stop: () => child.stdin.end(),
  }
}

/** OpenBLAS chooses its kernel by the processor, unless it was told of an older one: then it would be measured too slow. */
function environment() {
  const environment = { ...process.env }
  delete environment.OPENBLAS_CORETYPE
  delete environment.OPENBLAS_L2_SIZE
  return environment
}
