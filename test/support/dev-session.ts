/** `marina dev --json` as a process, with a project that a test edits. Needs the built dist/. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Program, ServerTests } from './served.js'

/** One line of `marina dev --json`. */
export interface DevEvent {
  readonly event: 'ready' | 'reloaded' | 'failed'
  readonly file?: string
  readonly message?: string
  readonly serving?: boolean
  readonly addresses?: { readonly inference: string; readonly management: string }
}

/** What a session begins with. */
export interface DevSessionOptions {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly words?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** A project folder, and the `marina dev` that serves it. */
export class DevSession {
  readonly folder: string
  readonly program: Program
  #seen = 0

  private constructor(folder: string, program: Program) {
    this.folder = folder
    this.program = program
  }

  /** Starts it on `files`; the first event is still to come. */
  static start(tests: ServerTests, { name, files, words = [], env = {} }: DevSessionOptions): DevSession {
    const folder = join(tests.folder, name)
    write(folder, files)
    const ports = ['inference', 'management', 'metrics'].flatMap((role) => [`--${role}-port`, '0'])
    return new DevSession(folder, tests.run(['dev', folder, '--json', ...ports, ...words], { env }))
  }

  /** Saves files. */
  edit(files: Readonly<Record<string, string>>): void {
    write(this.folder, files)
  }

  /** The next event that nobody has been given yet. */
  async event(): Promise<DevEvent> {
    this.#seen++
    const [lines] = await this.program.until(new RegExp(`(?:\\{"event".*\\n){${this.#seen}}`))
    return JSON.parse(lines.trim().split('\n').at(-1) ?? '') as DevEvent
  }

  /** Waits for `ready`; answers with the addresses. */
  async ready(): Promise<{ inference: string; management: string; port: number }> {
    const { event, addresses, message } = await this.event()
    if (event !== 'ready' || !addresses) throw new Error(`${event} came instead of ready: ${message ?? ''}`)
    return { ...addresses, port: Number(new URL(addresses.inference).port) }
  }
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}
