/** MNIST's test digits as the pictures that a client sends, and the tutorial's answers to them. */
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import type { IncomingMessage } from 'node:http'
import sharp from 'sharp'
import { readMnist } from '../../../examples/mnist/idx.js'
import type { Ports } from '../original.js'

const SIDE = 28
const CONNECTIONS = 4

/** What the handler answers to one digit. */
export interface Answer {
  readonly dist: number
  readonly pred: number
}

/** The first test digits as PNG. */
export async function testDigits(count: number): Promise<Buffer[]> {
  const { images } = await readMnist('t10k')
  const pixelsOf = (row: number) => images.subarray(row * SIDE * SIDE, (row + 1) * SIDE * SIDE)
  const raw = { width: SIDE, height: SIDE, channels: 1 } as const
  return Promise.all(
    Array.from({ length: count }, (_, row) => sharp(pixelsOf(row), { raw }).png().toBuffer()),
  )
}

/** Waits until a worker of the model is READY, then asks for each digit: as the body, and every other one as a form. */
export async function askAll(ports: Ports, digits: readonly Buffer[]): Promise<Answer[]> {
  await ready(ports)
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const url = `http://127.0.0.1:${ports.inference}/predictions/embedding`
  const answers: Answer[] = []
  let next = 0
  const work = async () => {
    for (let row = next++; row < digits.length; row = next++) {
      const digit = digits[row] ?? Buffer.alloc(0)
      answers[row] = await ask(url, row % 2 === 0 ? { body: digit } : formOf(digit), agent)
    }
  }
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, work))
  } finally {
    agent.destroy()
  }
  return answers
}

/** The request of `curl -F data=@digit.png`. */
function formOf(digit: Buffer): { body: Buffer; type: string } {
  const boundary = '------------------------tutorial'
  const head =
    `--${boundary}\r\nContent-Disposition: form-data; name="data"; filename="digit.png"\r\n` +
    'Content-Type: image/png\r\n\r\n'
  const body = Buffer.concat([Buffer.from(head), digit, Buffer.from(`\r\n--${boundary}--\r\n`)])
  return { body, type: `multipart/form-data; boundary=${boundary}` }
}

async function ask(
  url: string,
  { body, type }: { body: Buffer; type?: string },
  agent: Agent,
): Promise<Answer> {
  const headers = { 'Content-Length': body.length, ...(type === undefined ? {} : { 'Content-Type': type }) }
  const call = request(url, { method: 'POST', agent, headers }).end(body)
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  const answer = await text(response)
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode ?? 0}: ${answer}`)
  return JSON.parse(answer) as Answer
}

/** There is no event for it in another process. */
async function ready({ management }: Ports): Promise<void> {
  const url = `http://127.0.0.1:${management}/models/embedding`
  for (;;) {
    const response = await fetch(url)
    const body = await response.text()
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${body}`)
    if (/"status":\s*"READY"/.test(body)) return
    await pause(100)
  }
}

/** What differs: `dist` by more than a ten-thousandth, or `pred`; as sentences. */
export function differences(ours: readonly Answer[], theirs: readonly Answer[]): string[] {
  return ours.flatMap((answer, row) => {
    const other = theirs[row]
    const same = other && answer.pred === other.pred && Math.abs(answer.dist - other.dist) <= 1e-4
    return same ? [] : [`digit ${row}: ${JSON.stringify(answer)}, not ${JSON.stringify(other)}`]
  })
}
