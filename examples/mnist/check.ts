/** Asks a running server for each of MNIST's 10,000 test images, as PNG over HTTP: `marina demo --check`. */
import { Agent, request } from 'node:http'
import { MarinaError } from 'marina'
import sharp from 'sharp'
import { SIDE } from './digit.js'
import { readMnist } from './idx.js'

/** Requests on their way at once. */
const CONNECTIONS = 16

/** What the check came to. */
export interface CheckResult {
  readonly images: number
  readonly correct: number
  readonly accuracy: number
}

/** Sends all test images to `url`. Throws at the first that is not answered. */
export default async function check(options: {
  readonly url: string
  readonly signal: AbortSignal
  readonly progress: (progress: { done: number; total: number; text?: string }) => void
}): Promise<CheckResult> {
  const { url, signal, progress } = options
  const { rows, images, labels } = await readMnist('t10k')
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  let [next, done, correct] = [0, 0, 0]
  const work = async () => {
    for (let row = next++; row < rows; row = next++) {
      signal.throwIfAborted()
      const pixels = images.subarray(row * SIDE * SIDE, (row + 1) * SIDE * SIDE)
      const png = await sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 1 } })
        .png()
        .toBuffer()
      if ((await ask(url, png, agent)) === labels[row]) correct++
      done++
      progress({ done, total: rows, text: `${((100 * correct) / done).toFixed(2)} % right` })
    }
  }
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, work))
  } finally {
    agent.destroy()
  }
  return { images: rows, correct, accuracy: correct / rows }
}

function ask(url: string, body: Buffer, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'image/png', 'content-length': body.length }
    const call = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        if (response.statusCode === 200) resolve((JSON.parse(text) as { pred: number }).pred)
        else
          reject(
            new MarinaError(
              'prediction-failed',
              `${url} answered ${response.statusCode ?? 0}: ${text.trim()}`,
            ),
          )
      })
    })
    call.on('error', (error) =>
      reject(
        new MarinaError(
          'server-unreachable',
          `No server answers at ${url} (${error.message}). Start one: marina demo`,
        ),
      ),
    )
    call.end(body)
  })
}
