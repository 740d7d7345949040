/** The keys that callers have to show, and the file in which they find them (contract security §A1, server-config §14). */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock } from '../clock.js'
import { MarinaError, messageOf } from '../errors.js'

/** What a key opens. `API` makes new ones of the other two. */
export type KeyKind = 'management' | 'inference' | 'API'

/** The keys of one server. */
export interface Tokens {
  /** Absolute path of the file that holds the keys. */
  readonly path: string
  /** True when an `Authorization` header's value shows the key of `kind`, and it has not expired. */
  accepts(kind: KeyKind, authorization: string | undefined): boolean
  /** A new key in place of the old one, which is worth nothing from now on; the file is written again. */
  renew(kind: 'management' | 'inference'): void
}

/** What keys are made with. */
export interface TokenOptions {
  /** Where the file stands; it is replaced. */
  readonly path: string
  readonly lifeMs: number
  readonly clock: Clock
  /** Wall clock of the times in the file, milliseconds since 1970; default: the machine's. */
  readonly dateMs?: () => number
}

interface Key {
  readonly text: string
  /** On the monotonic clock, and as the file says it; the API key lives as long as the server. */
  readonly expires: { readonly atMs: number; readonly text: string } | undefined
}

/** Makes three new keys and writes the file. @throws MarinaError `step-failed` when nobody could read them there */
export function createTokens({ path, lifeMs, clock, dateMs = Date.now }: TokenOptions): Tokens {
  const keyFor = (livesMs: number): Key => ({
    text: newText(),
    expires: { atMs: clock.nowMs() + livesMs, text: new Date(dateMs() + livesMs).toISOString() },
  })
  const keys: Record<KeyKind, Key> = {
    management: keyFor(lifeMs),
    inference: keyFor(lifeMs),
    API: { text: newText(), expires: undefined },
  }
  writeKeyFile(path, keys)
  return {
    path,
    accepts(kind, authorization) {
      const shown = /^Bearer\s+(\S+)$/.exec(authorization ?? '')?.[1]
      const { text, expires } = keys[kind]
      const isAlive = expires === undefined || clock.nowMs() < expires.atMs
      return shown !== undefined && isEqual(shown, text) && isAlive
    },
    renew(kind) {
      const renewed = { ...keys, [kind]: keyFor(lifeMs) }
      writeKeyFile(path, renewed) // first, so that a key that cannot be read never counts
      keys[kind] = renewed[kind]
    },
  }
}

// 128 bits; TorchServe's 48 can be guessed. Clients only copy the text.
const newText = (): string => randomBytes(16).toString('base64url')

/** Takes the same time whatever the texts; the digests are of one length. */
const isEqual = (a: string, b: string): boolean => timingSafeEqual(digestOf(a), digestOf(b))

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()

function writeKeyFile(path: string, keys: Readonly<Record<KeyKind, Key>>): void {
  const of = ({ text, expires }: Key) => ({
    key: text,
    ...(expires ? { 'expiration time': expires.text } : {}),
  })
  const { management, inference, API } = keys
  const document = { management: of(management), inference: of(inference), API: of(API) }
  try {
    replacePrivately(path, JSON.stringify(document, undefined, 2))
  } catch (cause) {
    throw new MarinaError(
      'step-failed',
      `Token Authorization setup unsuccessful: ${path} cannot be written for its owner alone (${messageOf(cause)}). ` +
        'Start in a folder that can be written, or without tokens (--disable-token-auth).',
      { cause },
    )
  }
}

/** Readable by its owner alone from its first byte on, and never half-written. */
function replacePrivately(path: string, text: string): void {
  const beside = join(dirname(path), `.key_file.${randomBytes(6).toString('hex')}`)
  try {
    const file = openSync(beside, 'wx', 0o600)
    try {
      writeSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    chmodSync(beside, 0o600)
    // Some network and FAT file systems show everything to everyone.
    if ((statSync(beside).mode & 0o077) !== 0) throw new Error('the file system does not keep permissions')
    renameSync(beside, path)
  } finally {
    rmSync(beside, { force: true })
  }
}
