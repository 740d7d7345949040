/** The value of `--extra-files`: paths and wildcards with commas between. */
import { misuse } from '../errors.js'
import { pythonGlob } from './torch-model-archiver/python-glob.js'

/**
 * Blank pieces are passed over, blanks around a path too; wildcards are those of torch-model-archiver, and one that
 * matches nothing is refused, `misuse`.
 */
export function extraFilesOf(text: string): string[] {
  const pieces = text
    .split(',')
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '')
  return pieces.flatMap((piece) => {
    if (!/[*?[]/.test(piece)) return [piece]
    const found = pythonGlob(piece)
    if (found.length === 0) throw misuse(`--extra-files: ${piece} matches no file`)
    return found
  })
}
