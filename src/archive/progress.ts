/** How far a piece of work over all members is. */

/** In bytes before compression. */
export interface Progress {
  readonly member: string
  readonly done: number
  readonly total: number
}

/** Passes on bodies of members, and tells after each chunk how much of all has been taken. */
export function progressOver(
  members: readonly { readonly bytes: number }[],
  onProgress: ((progress: Progress) => void) | undefined,
): (member: string, body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array> {
  if (!onProgress) return (_, body) => body
  const total = members.reduce((sum, { bytes }) => sum + bytes, 0)
  let done = 0
  return async function* (member, body) {
    for await (const chunk of body) {
      yield chunk
      done += chunk.length
      onProgress({ member, done: Math.min(done, total), total })
    }
  }
}
