/** What the configuration says about one model: the `models` JSON (contract server-config §7). */
import type { LogLevel } from '../log.js'
import { logLevels, type Kind } from './values.js'

/** Runtimes that may be named. */
const RUNTIMES = ['python', 'python3', 'LSP', 'node'] as const

/** A runtime, as a manifest names it too. */
export type ModelRuntime = (typeof RUNTIMES)[number]

/** What may be said about one version; undefined: left to the next source. */
export interface ModelSettings {
  readonly minWorkers?: number | undefined
  readonly maxWorkers?: number | undefined
  readonly batchSize?: number | undefined
  readonly maxBatchDelayMs?: number | undefined
  readonly responseTimeoutMs?: number | undefined
  readonly startupTimeoutMs?: number | undefined
  readonly runtime?: ModelRuntime | undefined
  readonly logLevel?: LogLevel | undefined
}

/** Settings of models by name and version, beside the text that they were read from. */
export interface ModelsByName {
  readonly json: string
  readonly byName: ReadonlyMap<string, ReadonlyMap<string, ModelSettings>>
}

/** No model has settings of its own. */
export const noModels: ModelsByName = { json: '', byName: new Map() }

/** Settings of one version; empty when there are none. */
export const settingsOf = ({ byName }: ModelsByName, name: string, version: string): ModelSettings =>
  byName.get(name)?.get(version) ?? {}

/** `{"name": {"1.0": {"minWorkers": 1, …}}}`; wrong types are left out, with a warning, as TorchServe does. */
export const modelsJson: Kind<ModelsByName> = {
  placeholder: 'JSON',
  parse(text) {
    if (text.trim() === '') return { value: noModels }
    const document = parseObject(text)
    if (document === undefined) return { mustBe: 'a JSON object of models by name and version' }
    const warnings: string[] = []
    const byName = new Map(
      entriesOf(document).map(([name, versions]) => [name, versionsOf(versions, { name, warnings })]),
    )
    return { value: { json: text, byName }, warnings }
  },
  print: ({ json }) => json,
}

interface Where {
  readonly name: string
  readonly warnings: string[]
}

function versionsOf(versions: unknown, { name, warnings }: Where): Map<string, ModelSettings> {
  const entries = entriesOf(versions)
  return new Map(
    entries.map(([version, values]) => {
      const refuse = (parameter: string) =>
        warnings.push(`Invalid value for model: ${name}:${version}, parameter: ${parameter}`)
      const fields = new Map(entriesOf(values))
      const number = (parameter: string) => positive(fields.get(parameter), () => refuse(parameter))
      const seconds = (parameter: string) => inMilliseconds(number(parameter))
      const settings: ModelSettings = {
        minWorkers: number('minWorkers'),
        maxWorkers: number('maxWorkers'),
        batchSize: number('batchSize'),
        maxBatchDelayMs: number('maxBatchDelay'),
        responseTimeoutMs: seconds('responseTimeout'),
        startupTimeoutMs: seconds('startupTimeout'),
        runtime: runtimeOf(fields.get('runtimeType'), () => refuse('runtimeType')),
        logLevel: levelOf(fields.get('logLevel'), () => refuse('logLevel')),
      }
      return [version, settings]
    }),
  )
}

/** Seconds that may not be given, in milliseconds. */
export const inMilliseconds = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : seconds * 1000

/** Numbers may be quoted; what is not positive counts as not given. */
function positive(value: unknown, refuse: () => void): number | undefined {
  if (value === undefined) return undefined
  const number = typeof value === 'string' && /^[+-]?\d+$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) {
    refuse()
    return undefined
  }
  return number > 0 ? Math.trunc(number) : undefined
}

function runtimeOf(value: unknown, refuse: () => void): ModelRuntime | undefined {
  const runtime = RUNTIMES.find((known) => known === value)
  if (value !== undefined && runtime === undefined) refuse()
  return runtime
}

function levelOf(value: unknown, refuse: () => void): LogLevel | undefined {
  if (value === undefined) return undefined
  const result = logLevels.parse(typeof value === 'string' ? value : '')
  if ('value' in result) return result.value
  refuse()
  return undefined
}

/** Parses the text of a JSON object; undefined for anything else. */
export function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Own entries of an object; none of anything else. `Object.entries` sees `__proto__` as any other key. */
export const entriesOf = (value: unknown): [string, unknown][] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
