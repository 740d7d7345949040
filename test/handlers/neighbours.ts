/** One server with good and bad Python models, a load on the good one, and the processes that belong to all of it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { pack } from '../../src/archive/pack.js'
import type { ServerTests, Served } from '../support/served.js'

/** The answer to a request, in one line. */
export type Answer = string

/** Packs a Python handler. */
export async function packPython(tests: ServerTests, { name, source }: { name: string; source: string }) {
  const folder = tests.model(`${name}-source`, {})
  writeFileSync(join(folder, 'handler.py'), source)
  const facts = { modelName: name, version: '1.0', handler: join(folder, 'handler.py') }
  return (await pack({ ...facts, exportPath: tests.folder, force: true })).file
}

/** A server whose processes, and all that these have started, can be told from others. */
export class Neighbourhood {
  readonly #mark = `MARINA_TEST_${randomUUID()}`
  readonly #tests: ServerTests
  served: Served | undefined

  constructor(tests: ServerTests) {
    this.#tests = tests
  }

  async start(words: readonly string[]): Promise<Served> {
    this.served = await this.#tests.serve(words, { env: { [this.#mark]: '1' } })
    return this.served
  }

  /** Sends one body; `status body`, in one line. */
  async ask(model: string, body: string | Uint8Array<ArrayBuffer>): Promise<Answer> {
    const response = await fetch(`${this.served?.inference}/predictions/${model}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/octet-stream' },
    })
    return `${response.status} ${(await response.text()).replace(/\s+/g, ' ')}`
  }

  /** Processes of the server, and of whatever its workers have started; by Linux's /proc. */
  processes(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => pid !== process.pid && environmentOf(pid).includes(this.#mark))
  }
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return '' // It is gone, or a zombie.
  }
}

/** Asks a good model, one request after the other, until it is stopped. */
export class SteadyLoad {
  readonly #stopped: Promise<void>
  readonly wrong: Answer[] = []
  answered = 0
  #going = true

  constructor(neighbourhood: Neighbourhood, { model, prefix }: { model: string; prefix: string }) {
    this.#stopped = this.#run(neighbourhood, { model, prefix })
  }

  async #run(neighbourhood: Neighbourhood, { model, prefix }: { model: string; prefix: string }) {
    for (let at = 0; this.#going; at++) {
      const answer = await neighbourhood.ask(model, `ok ${at}`).catch(String)
      if (answer !== `200 ${prefix}ok ${at}`) this.wrong.push(answer)
      this.answered++
    }
  }

  async stop(): Promise<void> {
    this.#going = false
    await this.#stopped
  }
}
