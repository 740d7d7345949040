/** The demo's server: three ports in a row, and no models at first. */
import { mkdir } from 'node:fs/promises'
import { startServerProcess, type ServerProcess } from '../server-process.js'

/**
 * Starts it.
 * @throws MarinaError `cannot-listen` with the server's own text, such as a port in use with its cure; the signal's reason.
 * Nothing is left running then.
 */
export async function startDemoServer(options: {
  port: number
  store: string
  signal: AbortSignal
}): Promise<ServerProcess> {
  const { port, store, signal } = options
  await mkdir(store, { recursive: true })
  const ports = ['--inference-port', '--management-port', '--metrics-port'].flatMap((flag, at) => [
    flag,
    String(port === 0 ? 0 : port + at),
  ])
  return startServerProcess({
    words: ['--model-store', store, ...ports],
    signal,
    explain: withOurCure(port),
  })
}

/** The server's flags are not the demo's: the cure is named in ours. */
const withOurCure =
  (port: number) =>
  (text: string): string => {
    const why = text.replace(/^error: /, '').replace(/ Choose another with .*$/, '')
    return `${why} Choose other ports with --port N (it takes N, N + 1 and N + 2; now ${port} to ${port + 2}).`
  }
