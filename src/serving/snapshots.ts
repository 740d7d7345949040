/**
 * Keeps what a server has in files from which it can begin again (contract server-config §11): one when it has started,
 * one after each change of its models, one when it stops. None is ever overwritten or removed.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Snapshot, SnapshotVersion } from '../config/snapshot.js'
import { snapshotFileText, type Property } from '../config/snapshot-file.js'
import type { Logger } from '../log.js'
import type { Catalog, VersionDescription } from './catalog.js'

/** Where snapshots go, and the settings that stand in them. */
export interface SnapshotOptions {
  readonly folder: string
  readonly properties: readonly Property[]
}

/** Writes one, named after its occasion. One that cannot be written is a warning: the change itself was made. */
export type WriteSnapshot = (occasion: 'startup' | 'snapshot' | 'shutdown') => void

/** What writing works with. */
export interface SnapshotDeps extends SnapshotOptions {
  readonly catalog: Catalog
  readonly log: Logger
  /** Local time stands in names; default: now. */
  readonly now?: () => Date
}

/** Makes the writer. Files are whole or not there, and for their owner alone, since passwords stand in them. */
export function snapshotWriter({ folder, properties, catalog, log, now }: SnapshotDeps): WriteSnapshot {
  return (occasion) => {
    try {
      mkdirSync(folder, { recursive: true })
      const { name, date } = freeName(folder, { occasion, date: now?.() ?? new Date() })
      const snapshot = { name, createdMs: date.getTime(), models: modelsOf(catalog) }
      writeWhole(folder, name, snapshotFileText(properties, { snapshot, date }))
    } catch (error) {
      log.warn(`The snapshot of settings and models could not be written to ${folder}.`, { error })
    }
  }
}

/** Two snapshots of one millisecond: the later one takes the next that is free. */
function freeName(folder: string, { occasion, date }: { occasion: string; date: Date }) {
  for (let at = date; ; at = new Date(at.getTime() + 1)) {
    const name = `${digitsOf(at)}-${occasion}.cfg`
    if (!existsSync(join(folder, name))) return { name, date: at }
  }
}

/** `yyyyMMddHHmmssSSS` in local time. */
function digitsOf(date: Date): string {
  const [year, ...rest] = [date.getFullYear(), date.getMonth() + 1, date.getDate()]
  const parts = [...rest, date.getHours(), date.getMinutes(), date.getSeconds()]
  const two = parts.map((part) => String(part).padStart(2, '0')).join('')
  return `${String(year)}${two}${String(date.getMilliseconds()).padStart(3, '0')}`
}

function writeWhole(folder: string, name: string, text: string): void {
  const beside = join(folder, `.${name}`)
  const file = openSync(beside, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
    renameSync(beside, join(folder, name))
  } finally {
    closeSync(file)
    rmSync(beside, { force: true })
  }
}

function modelsOf(catalog: Catalog): Snapshot['models'] {
  return new Map(
    catalog.list().map(({ modelName }) => {
      const versions = catalog.describe(modelName, 'all')
      return [modelName, new Map(versions.map((version) => [version.modelVersion, settingsOf(version)]))]
    }),
  )
}

const settingsOf = (version: VersionDescription): SnapshotVersion => ({
  defaultVersion: version.isDefault,
  // The last part of a path or URL, whatever else stands in it.
  marName:
    version.modelUrl
      .replace(/[/\\]+$/, '')
      .split(/[/\\]/)
      .at(-1) ?? version.modelUrl,
  minWorkers: version.minWorkers,
  maxWorkers: version.maxWorkers,
  batchSize: version.batchSize,
  maxBatchDelayMs: version.maxBatchDelayMs,
  responseTimeoutMs: version.responseTimeoutMs,
  startupTimeoutMs: version.startupTimeoutMs,
  runtime: version.runtime,
})

/** The same catalog; each change that succeeds is told, a scaling when it is issued. */
export function withChangesTold(catalog: Catalog, onChange: () => void): Catalog {
  return {
    async register(registration) {
      const registered = await catalog.register(registration)
      onChange()
      // A version whose first workers fail is gone again.
      if (registration.synchronous ?? true) registered.ready.catch(onChange)
      return registered
    },
    async reload(model, version) {
      const reloaded = await catalog.reload(model, version)
      onChange() // its archive may say other settings now
      return reloaded
    },
    async unregister(model, version) {
      await catalog.unregister(model, version)
      onChange()
    },
    scale(model, version, workers) {
      const scaling = catalog.scale(model, version, workers)
      onChange()
      return scaling
    },
    setDefault(model, version) {
      catalog.setDefault(model, version)
      onChange()
    },
    list: () => catalog.list(),
    describe: (model, version) => catalog.describe(model, version),
  }
}
