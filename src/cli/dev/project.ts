/** A project on a running server: registered as soon as its code loads, reloaded from then on. */
import { messageOf } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { Catalog } from '../../serving/catalog.js'
import type { NextGeneration } from './next.js'
import type { DevReport } from './report.js'

interface ProjectOptions {
  readonly catalog: Pick<Catalog, 'register' | 'reload' | 'describe'>
  readonly report: Pick<DevReport, 'loaded' | 'failed'>
  readonly next: Pick<NextGeneration, 'prepare'>
  readonly log: Pick<Logger, 'warn'>
  /** The debugger of each worker that serves is opened. */
  readonly inspect: boolean
}

/** The project in `folder`. */
export class Project {
  readonly #folder: string
  readonly #options: ProjectOptions
  #loaded: { readonly name: string; readonly version: string } | undefined

  constructor(folder: string, options: ProjectOptions) {
    this.#folder = folder
    this.#options = options
  }

  /** Loads what is there now, and tells how that went; `file` is what changed. Never rejects. */
  async load(file: string): Promise<void> {
    const { report } = this.#options
    const beganMs = performance.now()
    try {
      const { drained } = this.#loaded ? await this.#reload(this.#loaded) : await this.#register()
      report.loaded(file, performance.now() - beganMs)
      void this.#settleIn(drained)
    } catch (error) {
      report.failed(file, { error, serving: this.#loaded !== undefined })
    }
  }

  async #register(): Promise<{ drained: Promise<void> }> {
    const { name, version, ready } = await this.#options.catalog.register({
      url: this.#folder,
      // Whoever changes the answers wants to see them before the examples are changed too.
      examplesBind: false,
    })
    await ready
    this.#loaded = { name, version }
    return { drained: Promise.resolve() }
  }

  #reload({ name, version }: { name: string; version: string }): Promise<{ drained: Promise<void> }> {
    return this.#options.catalog.reload(name, version)
  }

  /** What is done once the old worker is gone. The code serves without it. Never rejects. */
  async #settleIn(drained: Promise<void>): Promise<void> {
    const { next, log, inspect } = this.#options
    try {
      await drained
      if (inspect) this.#openDebugger()
    } catch (error) {
      log.warn(`The debugger of the worker was not opened: ${messageOf(error)}`)
    }
    try {
      await next.prepare()
    } catch (error) {
      log.warn(`No worker waits for the next change, so its load takes longer: ${messageOf(error)}`)
    }
  }

  /** By the signal that makes a worker of either language listen, once the old worker has left the port: given as a flag, two would fight for it. */
  #openDebugger(): void {
    const [version] = this.#options.catalog.describe(this.#loaded?.name ?? '', this.#loaded?.version)
    const pid = version?.workers[0]?.pid ?? -1
    if (pid > 0) process.kill(pid, 'SIGUSR1')
  }
}
