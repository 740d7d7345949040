/** How much an archive may unpack to: what stops a bomb without stopping a model. */
import { badArchive } from './errors.js'

/**
 * Bounds of one archive. Models are tens of gigabytes that hardly compress, so the ratio and the count say
 * more than the size.
 */
export interface Limits {
  /** Members, folders included. */
  readonly maxMembers: number
  /** Bytes of all members, unpacked. */
  readonly maxBytes: number
  /**
   * Unpacked bytes for each byte of the archive, once more than `ratioFreeBytes` are unpacked. Deflate
   * reaches 1032.
   */
  readonly maxRatio: number
  /** Below this many unpacked bytes any ratio will do. */
  readonly ratioFreeBytes: number
}

/** 100,000 members, 1 TiB, 200 : 1 above 64 MiB. */
export const defaultLimits: Limits = {
  maxMembers: 100_000,
  maxBytes: 2 ** 40,
  maxRatio: 200,
  ratioFreeBytes: 64 * 2 ** 20,
}

/** Counts while an archive is read. Both methods throw `invalid-archive` at the first step over a limit. */
export interface Meter {
  countMembers(members: number): void
  /** `member` is named in the refusal, where it is known. */
  countBytes(bytes: number, member?: string): void
}

/** A meter for one reading of `source`, whose file has `archiveBytes`. */
export function meterOf(source: string, archiveBytes: number, limits: Limits): Meter {
  let members = 0
  let bytes = 0
  const ratioBytes = Math.max(limits.ratioFreeBytes, archiveBytes * limits.maxRatio)
  return {
    countMembers(more) {
      members += more
      if (members > limits.maxMembers)
        throw badArchive(
          source,
          `has more than ${limits.maxMembers} members; raise the limit maxMembers if it is honest`,
        )
    },
    countBytes(more, member) {
      bytes += more
      const place = member === undefined ? {} : { member }
      const unpacks = member === undefined ? 'unpacks' : 'with it the archive unpacks'
      if (bytes > limits.maxBytes)
        throw badArchive(
          source,
          `${unpacks} to more than ${limits.maxBytes} bytes; raise the limit maxBytes if it is honest`,
          place,
        )
      if (bytes > ratioBytes)
        throw badArchive(
          source,
          `${unpacks} to more than ${limits.maxRatio} times its size; raise the limit maxRatio if it is honest`,
          place,
        )
    },
  }
}
