/** The text of a scrape, as Prometheus' Java client 0.9 writes it (contract metrics §10.3): tests match it by pattern. */
import type { Family, Labels } from './family.js'
import { javaDouble } from './java-number.js'

/** Media type of {@link expositionText}. */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** All families, or with `names` the samples of these names; families without a sample are then left out. */
export function expositionText(families: Iterable<Family>, names: ReadonlySet<string>): string {
  return [...families].map((family) => familyText(family, names)).join('')
}

function familyText(family: Family, names: ReadonlySet<string>): string {
  const { name, type, help } = family
  const wanted = names.size > 0
  const lines = [...family.samples()].flatMap(({ suffix, labels, value }) =>
    wanted && !names.has(name + suffix)
      ? []
      : [`${name}${suffix}${labelsText(labels)} ${javaDouble(value)}\n`],
  )
  if (wanted && lines.length === 0) return ''
  return `# HELP ${name} ${help.replace(/[\\\n]/g, escaped)}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

/** The comma after the last label is the original's. */
const labelsText = (labels: Labels): string =>
  labels.length === 0
    ? ''
    : `{${labels.map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escaped)}",`).join('')}}`

const escaped = (character: string): string => (character === '\n' ? '\\n' : `\\${character}`)
