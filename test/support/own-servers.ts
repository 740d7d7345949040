/** Whole servers in the test's own process, on free ports, and a folder for what they serve. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { PackOptions } from '../../src/archive/pack-options.js'
import { pack } from '../../src/archive/pack.js'
import type { Profile } from '../../src/config/config.js'
import { loadConfig } from '../../src/config/load.js'
import { silentLogger, type Logger } from '../../src/log.js'
import { startServer, type RunningServer } from '../../src/server.js'

/** What a server is started with; by default one of `marina serve` without models, whose log nobody reads. */
export interface OwnServerOptions {
  readonly profile?: Profile
  /** Settings by the names of their flags. */
  readonly flags?: Readonly<Record<string, string>>
  readonly environment?: NodeJS.ProcessEnv
  readonly models?: readonly string[]
  readonly log?: Logger
}

/** Starts servers, and ends them all. */
export class OwnServers {
  readonly folder = mkdtempSync(join(tmpdir(), 'marina-own-'))
  readonly #started: RunningServer[] = []

  /** A server that answers; its first workers may not be ready yet. */
  async start({
    profile = 'marina',
    flags = {},
    environment = {},
    models = [],
    log = silentLogger,
  }: OwnServerOptions = {}): Promise<RunningServer> {
    const ports = { 'inference-port': '0', 'management-port': '0', 'metrics-port': '0' }
    const all = new Map(Object.entries({ ...ports, ...flags }))
    const config = loadConfig({ profile, flags: all, environment, models: [...models] })
    const stateDir = mkdtempSync(join(this.folder, 'state-'))
    const server = await startServer(config, { log, serverVersion: '0', stateDir })
    this.#started.push(server)
    return server
  }

  /** Writes a file, by its name in the folder or its whole path; answers with its path. */
  file(name: string, data: string | Uint8Array): string {
    const path = resolve(this.folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, data)
    return path
  }

  /** Packs a Python handler; answers with the archive's path. */
  async archive(name: string, source: string, facts: Partial<PackOptions> = {}): Promise<string> {
    const handler = this.file(`${name}-source/handler.py`, source)
    return (await pack({ modelName: name, version: '1.0', handler, exportPath: this.folder, ...facts })).file
  }

  /** Ends all that was started, and removes the folder. */
  async close(): Promise<void> {
    await Promise.all(this.#started.map((server) => server.stop()))
    rmSync(this.folder, { recursive: true, force: true })
  }
}
