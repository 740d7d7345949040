/**
 * Reads a metrics file (contract metrics §3). What cannot be used is named with its line, and left out: a mistake in one
 * entry costs that entry, and no model fails to load for it.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
} from 'yaml'
import type { MetricDefinition, MetricDefinitions, MetricType } from './definitions.js'

/** What a file defines, and what of it could not be used: a sentence each. */
export interface ReadDefinitions {
  readonly definitions: MetricDefinitions
  readonly problems: readonly string[]
}

/** More aliases than any file of metrics has; a bomb of them is refused. */
const MOST_ALIASES = 1000
const TYPES: readonly MetricType[] = ['counter', 'gauge', 'histogram']

const nothing: MetricDefinitions = { frontend: [], model: [] }

/** Reads the text of a file; `path` stands in front of each problem. */
export function readDefinitions(text: string, path: string): ReadDefinitions {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error) {
    const { line, col } = lines.linePos(error.pos[0])
    return { definitions: nothing, problems: [`${path}:${line}:${col}: ${error.message}`] }
  }
  const reader = new Reader(document, { path, lines })
  try {
    return { definitions: reader.read(), problems: reader.problems }
  } catch (problem) {
    if (!(problem instanceof Error)) throw problem
    return { definitions: nothing, problems: [`${path}: ${problem.message}.`] }
  }
}

class Reader {
  readonly problems: string[] = []
  readonly #document: Document
  readonly #place: { readonly path: string; readonly lines: LineCounter }

  constructor(document: Document, place: { path: string; lines: LineCounter }) {
    this.#document = document
    this.#place = place
  }

  read(): MetricDefinitions {
    visit(this.#document, {
      Alias: (_, alias) => {
        if (alias.resolve(this.#document)) return
        throw new Error(
          `line ${this.#lineOf(alias)}: there is no anchor &${alias.source} for *${alias.source}`,
        )
      },
    })
    // Once for the whole, so that aliases are counted together.
    this.#document.toJS({ maxAliasCount: MOST_ALIASES, mapAsMap: true })
    const sections = this.#entries(this.#document.contents, 'the file')
    for (const { key, node } of sections)
      if (!['dimensions', 'ts_metrics', 'model_metrics'].includes(key))
        this.#complain(
          node,
          `the key ${JSON.stringify(key)} is unknown; there are dimensions, ts_metrics, model_metrics`,
        )
    const of = (name: string) => this.#section(sections.find(({ key }) => key === name)?.node, name)
    return { frontend: of('ts_metrics'), model: of('model_metrics') }
  }

  #section(node: Node | null | undefined, section: string): readonly MetricDefinition[] {
    // A section without anything in it.
    if (!node || (isScalar(node) && node.value === null)) return []
    const found = new Map<string, MetricDefinition>()
    for (const { key, node: list } of this.#entries(node, section)) {
      const type = TYPES.find((known) => known === key)
      if (!type) {
        this.#complain(list, `${section}.${key} is no type of metric; there are ${TYPES.join(', ')}`)
        continue
      }
      for (const [at, entry] of this.#items(list, `${section}.${key}`).entries()) {
        const definition = this.#definition(entry, { type, where: `${section}.${key}[${at}]` })
        if (!definition) continue
        if (found.has(definition.name))
          this.#complain(entry, `${section} has two metrics named ${definition.name}; the later one counts`)
        found.set(definition.name, definition)
      }
    }
    return [...found.values()]
  }

  #definition(
    node: Node | null,
    { type, where }: { type: MetricType; where: string },
  ): MetricDefinition | undefined {
    const fields = new Map(
      this.#entries(node, where).map(({ key, node: value }) => [key, this.#plain(value)]),
    )
    const { name, unit, dimensions } = Object.fromEntries(fields)
    const wrong =
      typeof name !== 'string' || name === ''
        ? 'name, a text'
        : typeof unit !== 'string'
          ? 'unit, a text'
          : !isTexts(dimensions)
            ? 'dimensions, a list of texts (it may be empty)'
            : undefined
    if (wrong !== undefined) this.#complain(node, `${where} must have ${wrong}; the metric is left out`)
    if (typeof name !== 'string' || name === '' || typeof unit !== 'string' || !isTexts(dimensions))
      return undefined
    return { name, type, unit, dimensions: [...dimensions] }
  }

  #entries(node: Node | null, where: string): { key: string; node: Node | null }[] {
    const map = this.#resolve(node)
    if (!isMap(map)) {
      this.#complain(node, `${where} must be a mapping`)
      return []
    }
    return map.items.map(({ key, value }) => ({
      key: String(this.#plain(key as Node)),
      node: (value ?? key) as Node | null,
    }))
  }

  #items(node: Node | null, where: string): readonly (Node | null)[] {
    const list = this.#resolve(node)
    if (isSeq(list)) return list.items as (Node | null)[]
    this.#complain(node, `${where} must be a list`)
    return []
  }

  #resolve(node: Node | null): Node | null | undefined {
    return isAlias(node) ? node.resolve(this.#document) : node
  }

  #plain(node: Node | null): unknown {
    return node?.toJS(this.#document, { maxAliasCount: MOST_ALIASES, mapAsMap: true })
  }

  #complain(node: Node | null, text: string): void {
    this.problems.push(`${this.#place.path}:${this.#lineOf(node)}: ${text}.`)
  }

  #lineOf(node: Node | null): number {
    return this.#place.lines.linePos(node?.range?.[0] ?? 0).line
  }
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'string')
