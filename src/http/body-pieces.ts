/** The pieces in which a body comes. */

// A chunk of one byte costs a hundred bytes as a buffer of its own, and holds the 64 KiB that it was read into.
const SMALL_BYTES = 1024
const BLOCK_BYTES = 16_384

/** Keeps pieces until they are joined; small ones are copied together, so that a body takes little more than its bytes. */
export class BodyPieces {
  readonly #pieces: Buffer[] = []
  #block: Buffer | undefined
  #used = 0

  add(piece: Buffer): void {
    // A body that comes in one piece is passed on as it is.
    if (this.#pieces.length === 0 || piece.length >= SMALL_BYTES) {
      this.#endBlock()
      this.#pieces.push(piece)
      return
    }
    if (this.#block && this.#used + piece.length > BLOCK_BYTES) this.#endBlock()
    this.#block ??= Buffer.allocUnsafe(BLOCK_BYTES)
    this.#used += piece.copy(this.#block, this.#used)
  }

  join(): Buffer {
    this.#endBlock()
    const [only] = this.#pieces
    return only && this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces)
  }

  #endBlock(): void {
    if (this.#block) this.#pieces.push(this.#block.subarray(0, this.#used))
    this.#block = undefined
    this.#used = 0
  }
}
