/** The writing side of an archive's form: zip, tar or folder, each filled member by member. */
import type { FileHandle } from 'node:fs/promises'
import type { Body } from './body.js'

/** A member to be written. */
export interface NewMember {
  readonly name: string
  /** Exact number of bytes that will come. */
  readonly bytes: number
  /** Permission bits. */
  readonly mode: number
  readonly modified: Date
  /** Kept as it is instead of deflated (zip only). */
  readonly stored: boolean
}

/** Writes members in the order of the calls. When a call fails the caller throws the output away. */
export interface MemberWriter {
  add(member: NewMember, body: Body): Promise<void>
  /** Completes the archive; nothing is added afterwards. */
  finish(): Promise<void>
  /** Gives up instead: releases what the writer holds. The file or folder is the caller's to remove. */
  discard(): void
}

/** Writes all of `bytes` at `position`; a single call may write less. */
export async function writeAt(
  file: FileHandle,
  { bytes, position }: { bytes: Uint8Array; position: number },
) {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}
