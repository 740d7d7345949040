/** Labels of an index as a dictionary and one code a row: 60,000 digits take 60 kB instead of 60,000 strings. */

/** The labels of all rows. */
export interface LabelColumn {
  /** Each label once, in order of its first row. */
  readonly dictionary: readonly string[]
  /** Position in `dictionary` for each row. */
  readonly codes: Uint8Array | Uint16Array | Uint32Array
}

/** Bytes that one code may take. */
export type CodeWidth = 1 | 2 | 4

const codeArrays = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array } as const

/** Encodes one label a row, in the narrowest codes that hold them. */
export function encodeLabels(labels: readonly string[]): LabelColumn {
  const positions = new Map<string, number>()
  const wide = new Uint32Array(labels.length)
  labels.forEach((label, row) => {
    const known = positions.get(label)
    if (known === undefined) positions.set(label, positions.size)
    wide[row] = known ?? positions.size - 1
  })
  const width = positions.size <= 2 ** 8 ? 1 : positions.size <= 2 ** 16 ? 2 : 4
  return { dictionary: [...positions.keys()], codes: width === 4 ? wide : codeArrays[width].from(wide) }
}

/** The label of a row, or undefined beyond the last. */
export function labelOf(column: LabelColumn, row: number): string | undefined {
  return column.dictionary[column.codes[row] ?? column.dictionary.length]
}

/** All labels, one a row. */
export function decodeLabels(column: LabelColumn): (string | undefined)[] {
  return Array.from(column.codes, (code) => column.dictionary[code])
}

/** A column as JSON holds it; codes are little-endian, in base64. */
export interface LabelsJson {
  readonly dictionary: readonly string[]
  readonly width: CodeWidth
  readonly codes: string
}

/** The JSON form of a column. */
export function labelsToJson({ dictionary, codes }: LabelColumn): LabelsJson {
  const bytes = Buffer.from(codes.buffer, codes.byteOffset, codes.byteLength)
  const width = codes instanceof Uint8Array ? 1 : codes instanceof Uint16Array ? 2 : 4
  return { dictionary, width, codes: bytes.toString('base64') }
}

/** Reads the JSON form back; says what is wrong with it when it does not hold `count` labels. */
export function labelsFromJson(
  json: LabelsJson,
  count: number,
): { ok: true; labels: LabelColumn } | { ok: false; why: string } {
  const bytes = Buffer.from(json.codes, 'base64')
  if (bytes.length !== count * json.width)
    return { ok: false, why: `holds ${Math.floor(bytes.length / json.width)} labels for ${count} vectors` }
  // A copy, because base64 decodes into a shared pool at any offset, and wider codes must be aligned.
  const aligned = new Uint8Array(bytes)
  const codes = new codeArrays[json.width](aligned.buffer)
  const bad = codes.findIndex((code) => code >= json.dictionary.length)
  if (bad >= 0)
    return {
      ok: false,
      why: `row ${bad} has label code ${codes[bad] ?? ''} of a dictionary of ${json.dictionary.length}`,
    }
  return { ok: true, labels: { dictionary: json.dictionary, codes } }
}
