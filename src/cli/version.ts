/** The version of this package, read from its package.json. */
import { readFileSync } from 'node:fs'

/** `0.1.0`. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const manifest: unknown = JSON.parse(text)
  const isManifest = (value: unknown): value is { version: string } =>
    typeof value === 'object' && value !== null && 'version' in value
  return isManifest(manifest) ? manifest.version : 'unknown'
}
