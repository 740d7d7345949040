/** The elements of an XML file, each with its line. */
import { SaxesParser } from 'saxes'
import { misuse } from '../errors.js'

/** One element. Names are kept as written; log4j does not tell capitals from small letters in them. */
export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
  readonly text: string
  /** From 1. */
  readonly line: number
}

interface Building extends XmlElement {
  readonly children: Building[]
  text: string
}

/** Far deeper than any such file. */
const MOST_DEPTH = 64

/** Parses a text. Entities of its own are not expanded. @throws MarinaError `misuse` with line and column */
export function parseXml(text: string, path: string): XmlElement {
  const parser = new SaxesParser({ position: true, fileName: path, xmlns: false as const })
  const open: Building[] = []
  let root: Building | undefined
  parser.on('error', (error) => {
    throw misuse(error.message)
  })
  parser.on('opentag', ({ name, attributes }) => {
    if (open.length >= MOST_DEPTH) throw misuse(`${path}:${parser.line}: elements are nested too deeply.`)
    const element: Building = { name, attributes, children: [], text: '', line: parser.line }
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  })
  parser.on('closetag', () => void open.pop())
  parser.on('text', (more) => {
    const element = open.at(-1)
    if (element) element.text += more
  })
  parser.write(text).close()
  if (!root) throw misuse(`${path}: there is no element in it.`)
  return root
}
