/** The form of an archive, hidden: zip, tar or folder, each read through the same few methods. */
import type { RandomAccess } from '../recognise/index.js'
import type { Limits } from './limits.js'

/** One file of an archive. */
export interface Member {
  /** Relative path with `/`, checked: no `..`, not absolute. */
  readonly name: string
  readonly bytes: number
  /** The owner's execute bit; no other permission is taken over. */
  readonly executable: boolean
}

/** Options of opening a container. */
export interface ContainerOptions {
  readonly limits: Limits
  readonly signal?: AbortSignal | undefined
}

/**
 * An opened archive of any form. All methods throw `invalid-archive` naming the member when bytes turn out
 * damaged.
 */
export interface Container {
  readonly kind: 'zip' | 'tar' | 'folder'
  /** In the order of the archive; a folder's in order of names. */
  readonly members: readonly Member[]
  /** The whole of a member. The caller bounds `member.bytes` first. */
  read(member: Member): Promise<Buffer>
  /** The member's bytes at any place, unchecked; undefined where they can only be read from the beginning. */
  access(member: Member): RandomAccess | undefined
  /**
   * What around the members' bytes is not as Marina writes it, given the permission bits that each was packed with
   * (undefined: any); none for a folder.
   */
  headerProblems(modeOf: (name: string) => number | undefined): Promise<readonly HeaderProblem[]>
  /** Visits all members in order, one at a time. A visit reads its body to the end, or throws to stop. */
  each(visit: Visit, options?: { signal?: AbortSignal | undefined }): Promise<void>
  close(): Promise<void>
}

/** Bytes that belong to the archive's form; `member` is undefined for what belongs to none. */
export interface HeaderProblem {
  readonly member: string | undefined
  /** Words that follow the member's or the archive's name. */
  readonly why: string
}

/**
 * Called with each member; `body` gives its bytes once and ends only when they proved whole (size and CRC).
 */
export type Visit = (member: Member, body: AsyncIterable<Uint8Array>) => Promise<void>

/** All bytes of a body. */
export async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}
