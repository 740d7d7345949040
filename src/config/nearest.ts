/** The known name that a mistyped one was meant to be. */

/** The nearest of `names` within a third of the letters; undefined when none is near. */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  const word = typed.toLowerCase()
  const ranked = names
    .map((name) => ({ name, distance: distance(word, name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best && best.distance <= Math.max(1, Math.floor(typed.length / 3)) ? best.name : undefined
}

/** Levenshtein's distance, row by row: the fewest letters to insert, delete or replace. */
function distance(a: string, b: string): number {
  const letters = Array.from(b)
  let above = Array.from({ length: letters.length + 1 }, (_, at) => at)
  for (const [i, letter] of Array.from(a).entries()) {
    const row = [i + 1]
    for (const [j, other] of letters.entries()) {
      const replaced = (above[j] ?? 0) + (letter === other ? 0 : 1)
      row.push(Math.min(replaced, (above[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1))
    }
    above = row
  }
  return above.at(-1) ?? 0
}
