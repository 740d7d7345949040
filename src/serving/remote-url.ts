/** Which URLs an archive may come from (contract security C2): read by one parser, compared as that parser reads them. */
import type { Pattern } from '../config/patterns.js'

/** True for what TorchServe takes for a URL; all else is a path. */
export const isUrl = (text: string): boolean => /^(file|https?):\/\//i.test(text)

/**
 * True when the path of a URL has a segment that is, or hides, a way to another folder: `.`, `..`, a slash, a
 * backslash or a NUL, percent-encoded once or more often.
 */
export function climbs(url: string): boolean {
  const [path = ''] = url.slice(url.indexOf('://') + 3).split(/[?#]/, 1)
  const [, ...segments] = path.split('/')
  return segments.map(decoded).some((segment) => /^\.{1,2}$|[/\\\0]/.test(segment))
}

/** Decodes until nothing changes: servers before the store may decode again. What is no escape stays as it is. */
function decoded(segment: string): string {
  const next = segment.replace(/%([2-7][0-9a-f]|00)/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return next === segment ? next : decoded(next)
}

/**
 * True when a pattern matches the URL both as it was written and as it is going to be used. A URL with control
 * characters, backslashes or a user name is never allowed: those are how readers of URLs are made to disagree.
 */
export function isAllowedUrl(text: string, allowed: readonly Pattern[]): boolean {
  const matches = (form: string) => allowed.some((pattern) => pattern.matches(form))
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\x00-\x1f\x7f\\]/.test(text) || !matches(text)) return false
  if (!URL.canParse(text)) return true // fetching it fails, with TorchServe's text
  const url = new URL(text)
  return url.username === '' && url.password === '' && formsOf(url).some(matches)
}

/** As the parser writes it, and with the port that it leaves out. */
function formsOf(url: URL): string[] {
  const port = { 'http:': ':80', 'https:': ':443' }[url.protocol]
  if (url.port !== '' || port === undefined) return [url.href]
  return [url.href, `${url.protocol}//${url.hostname}${port}${url.pathname}${url.search}${url.hash}`]
}
