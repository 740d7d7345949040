/** The members of `MAR-INF/marina/` but `files.json`, which needs the others' hashes. */
import { encodeJson } from './json.js'
import { MARINA_FOLDER } from './manifest.js'
import type { MarinaMembers, MemberSource, PackExample } from './pack-options.js'
import { parseExamples, parseProvenance, parseSchema } from './parse-schema.js'

/**
 * Each text is read back before it is written: what a reader would refuse, `invalid-archive`, is refused
 * here.
 */
export function marinaMembers(marina: MarinaMembers | undefined): MemberSource[] {
  if (!marina) return []
  const { schema, examples, provenance } = marina
  return [
    ...(schema ? [checked('schema.json', schema, parseSchema)] : []),
    ...(examples ? exampleMembers(examples) : []),
    ...(provenance ? [checked('provenance.json', provenance, parseProvenance)] : []),
  ]
}

function exampleMembers(examples: readonly PackExample[]): MemberSource[] {
  const requests = examples.map(({ from: _, ...request }) => request)
  return [
    checked('examples.json', { requests }, parseExamples),
    ...examples.map(({ file, from }): MemberSource => {
      const name = `${MARINA_FOLDER}/examples/${file}`
      return typeof from === 'string' ? { name, file: from } : { name, data: from }
    }),
  ]
}

function checked(name: string, value: unknown, parse: (text: string) => unknown): MemberSource {
  const data = encodeJson(value)
  parse(data)
  return { name: `${MARINA_FOLDER}/${name}`, data }
}
