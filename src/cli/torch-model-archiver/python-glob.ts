/**
 * Wildcards as the original expands them, which are Python's and differ from a shell's: `**` is `*`, `[!x]` excludes
 * while `[^x]` does not, braces and tildes mean nothing, names that begin with a dot match only a pattern that does.
 */
import { lstatSync, readdirSync, statSync, type Stats } from 'node:fs'

/** The paths that `pattern` matches, in order of their names; a path without wildcards is itself, when it exists. */
export function pythonGlob(pattern: string): string[] {
  const { folder, name } = split(pattern)
  if (!hasWildcard(pattern)) return (name === '' ? isFolder(folder) : exists(pattern)) ? [pattern] : []
  const folders = hasWildcard(folder) && folder !== pattern ? foldersOf(folder) : [folder]
  return folders.flatMap((one) => matchesIn(one, name).map((match) => join(one, match)))
}

/** As Python's `os.path.join` does it: nothing is shortened, since the path may be printed. */
export function join(folder: string, name: string): string {
  return folder === '' || folder.endsWith('/') ? folder + name : `${folder}/${name}`
}

const foldersOf = (pattern: string) => pythonGlob(pattern).filter(isFolder)
const hasWildcard = (text: string) => /[*?[]/.test(text)

function split(path: string): { folder: string; name: string } {
  const at = path.lastIndexOf('/') + 1
  const folder = path.slice(0, at)
  return { folder: /^\/*$/.test(folder) ? folder : folder.replace(/\/+$/, ''), name: path.slice(at) }
}

function matchesIn(folder: string, name: string): string[] {
  if (name === '') return isFolder(folder) ? [''] : []
  if (!hasWildcard(name)) return exists(join(folder, name)) ? [name] : []
  const matches = matcher(name)
  const entries = namesIn(folder).filter((entry) => name.startsWith('.') || !entry.startsWith('.'))
  return entries.filter((entry) => matches.test(entry))
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder || '.').sort()
  } catch {
    return []
  }
}

/** A pattern for one name: `*`, `?`, `[…]`; a bracket that is never closed is a plain character. */
export function matcher(pattern: string): RegExp {
  const token = /\*+|\?|\[(!(?:\][^\]]*|[^\]]+)|(?!!)(?:\][^\]]*|[^\]]+))\]|[^]/gu
  const source = pattern.replace(token, (part: string, inBrackets: string | undefined) => {
    if (inBrackets !== undefined) return characterClass(inBrackets)
    if (part.startsWith('*')) return '.*'
    return part === '?' ? '.' : escapeOne(part)
  })
  return new RegExp(`^${source}$`, 'su')
}

/** Between the brackets: `!` first excludes, `a-c` is a range unless it runs backwards, then it is nothing. */
function characterClass(text: string): string {
  const excludes = text.startsWith('!')
  const chars = Array.from(excludes ? text.slice(1) : text)
  const ranges: string[] = []
  for (let at = 0; at < chars.length;) {
    const [first = '', dash, last] = chars.slice(at, at + 3)
    const isRange = dash === '-' && last !== undefined
    if (!isRange) ranges.push(escapeOne(first))
    else if (first <= last) ranges.push(`${escapeOne(first)}-${escapeOne(last)}`)
    at += isRange ? 3 : 1
  }
  if (ranges.length === 0) return excludes ? '.' : '(?!)'
  return `[${excludes ? '^' : ''}${ranges.join('')}]`
}

const escapeOne = (char: string) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`

const exists = (path: string) => found(() => lstatSync(path)) !== undefined
const isFolder = (path: string) => found(() => statSync(path))?.isDirectory() ?? false

/** What cannot be looked at is not there, whatever the reason. */
function found(look: () => Stats): Stats | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}
