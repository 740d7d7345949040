/**
 * Which classes and functions a pickle imports: unpickling calls them. Nothing is executed here; the opcodes are walked
 * (Python's `pickletools` documents them). Torch writes protocol 2.
 */

/** A number: that many bytes follow. `line`s: that many. `u8`, `u32`, `u64`: a length, then as many bytes. */
type Size = number | 'line' | 'two-lines' | 'u8' | 'u32' | 'u64'

const sizes: readonly (readonly [opcodes: string, size: Size])[] = [
  ['(.012NQRablbdtu}]e)os\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98', 0],
  ['Khq\x80\x82', 1],
  ['M\x83', 2],
  ['Jjr\x84', 4],
  ['G\x95', 8],
  ['FILSVPgp', 'line'],
  ['ci', 'two-lines'],
  ['UC\x8a\x8c', 'u8'],
  ['TXB\x8b', 'u32'],
  ['\x8d\x8e\x96', 'u64'],
]
const texts = 'UTXVS\x8c\x8d'

/** `module.name` of each import, in order, each once. Throws an `Error` for bytes that are no pickle. */
export function importsOf(pickle: Buffer): readonly string[] {
  const imports = new Set<string>()
  const recent: string[] = []
  let at = 0
  while (at < pickle.length) {
    const op = String.fromCharCode(pickle.readUInt8(at))
    const argument = argumentOf(pickle, { op, at: at + 1 })
    if (op === '.') return [...imports]
    if (op === 'c' || op === 'i') imports.add(argument.text.trimEnd().replace('\n', '.'))
    // STACK_GLOBAL takes the two texts that were pushed last (or fetched from the memo, which is not followed).
    if (op === '\x93') imports.add(recent.slice(-2).join('.'))
    if (texts.includes(op)) recent.push(argument.text)
    at = argument.end
  }
  throw new Error('its pickle has no end')
}

function argumentOf(pickle: Buffer, { op, at }: { op: string; at: number }): { text: string; end: number } {
  const [, size] = sizes.find(([opcodes]) => opcodes.includes(op)) ?? []
  if (size === undefined) throw new Error(`its pickle has the unknown opcode ${JSON.stringify(op)}`)
  const { start, end } = spanOf(pickle, { size, at })
  if (end > pickle.length) throw new Error(ENDS_EARLY)
  return { text: pickle.toString('utf8', start, end), end }
}

const ENDS_EARLY = 'its pickle ends too early'
const lengthBytes = { u8: 1, u32: 4, u64: 8 }

function spanOf(pickle: Buffer, { size, at }: { size: Size; at: number }): { start: number; end: number } {
  if (typeof size === 'number') return { start: at, end: at + size }
  if (size === 'line') return { start: at, end: afterLine(pickle, at) }
  if (size === 'two-lines') return { start: at, end: afterLine(pickle, afterLine(pickle, at)) }
  const start = at + lengthBytes[size]
  if (start > pickle.length) throw new Error(ENDS_EARLY)
  const length =
    size === 'u64' ? Number(pickle.readBigUInt64LE(at)) : pickle.readUIntLE(at, lengthBytes[size])
  return { start, end: start + length }
}

function afterLine(pickle: Buffer, at: number): number {
  const found = pickle.indexOf(0x0a, at)
  if (found < 0) throw new Error(ENDS_EARLY)
  return found + 1
}
