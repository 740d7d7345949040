/** What a preloaded parent says, line by line (docs/protocol.md, "The preloaded parent"). */
import type { UpMessage } from '../protocol/messages.js'

/** Why a model does not load. */
export type LoadFailure = Omit<Extract<UpMessage, { kind: 'load-failed' }>, 'kind'>

/** One line. */
export type ParentSaying =
  | { readonly kind: 'ready' }
  | { readonly kind: 'load-failed'; readonly failure: LoadFailure }
  | { readonly kind: 'unsafe'; readonly why: string }
  | { readonly kind: 'forked'; readonly id: number; readonly pid: number }
  | { readonly kind: 'not-forked'; readonly id: number; readonly message: string }
  | {
      readonly kind: 'exited'
      readonly pid: number
      readonly code: number | null
      readonly signal: string | null
    }

/** Reads a line; it comes from our own program, which is the same version: what it lacks is a bug. @throws TypeError */
export function parentSaying(line: string): ParentSaying {
  const said = JSON.parse(line) as {
    ready?: true
    loadFailed?: LoadFailure
    unsafe?: string
    forked?: number
    failed?: number
    exited?: number
    pid?: number
    message?: string
    code?: number
    signal?: string
  }
  if (said.ready) return { kind: 'ready' }
  if (said.loadFailed) return { kind: 'load-failed', failure: said.loadFailed }
  if (said.unsafe !== undefined) return { kind: 'unsafe', why: said.unsafe }
  if (said.forked !== undefined && said.pid !== undefined)
    return { kind: 'forked', id: said.forked, pid: said.pid }
  if (said.failed !== undefined) return { kind: 'not-forked', id: said.failed, message: said.message ?? '' }
  if (said.exited !== undefined)
    return { kind: 'exited', pid: said.exited, code: said.code ?? null, signal: said.signal ?? null }
  throw new TypeError(`a preloaded parent said ${line}`)
}
