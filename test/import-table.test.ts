/** Compares each import line of src/ with the table in docs/architecture.md, both ways, and looks for cycles. */
import { readdirSync, readFileSync, existsSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')

/** A row of the table: who imports, and what it may import. `*` stands for any part. */
interface Row {
  readonly from: string
  readonly may: readonly string[]
}

function readTable(): { rows: Row[]; leaves: string[] } {
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
  const section = text.split('<!-- import table -->')[1] ?? ''
  const names = (cell: string) =>
    [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!.replace(/\/$/, ''))
  const lines = section.split('\n').filter((line) => line.startsWith('| `'))
  const rows = lines.flatMap((line) => {
    const [, from = '', may = ''] = line.split('|')
    return names(from).map((name) => ({ from: name, may: names(may) }))
  })
  const leaves = names(/^Leaves: (.*)$/m.exec(section)?.[1] ?? '')
  return { rows, leaves }
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .sort()
const isTest = (file: string) => file.endsWith('.test.ts')

/** The part that a file belongs to: its folder, or its own name at the top. */
const partOf = (file: string) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : file)

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8')
  const pattern = /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s+'(\.[^']+)'|import\(\s*'(\.[^']+)'\s*\)/g
  return [...text.matchAll(pattern)].map((match) => {
    const target = normalize(join(dirname(file), match[1] ?? match[2]!)).replace(/\.js$/, '.ts')
    return relative('.', target)
  })
}

const edges = files
  .filter((file) => !isTest(file))
  .flatMap((file) =>
    importsOf(file).map((target) => ({ file, target, from: partOf(file), to: partOf(target) })),
  )

test('each import between parts stands in the table', () => {
  const { rows, leaves } = readTable()
  const wrong = edges.filter(({ from, to }) => {
    if (from === to || leaves.includes(to)) return false
    const row = rows.find((candidate) => candidate.from === from)
    return !row || !(row.may.includes(to) || row.may.includes('*'))
  })
  expect(wrong.map(({ file, target }) => `${file} -> ${target}`)).toEqual([])
})

test('each entry of the table is used by a folder that is there', () => {
  const { rows } = readTable()
  expect(rows.length).toBeGreaterThan(10)
  const unused = rows
    .filter((row) => existsSync(join(src, row.from)))
    .flatMap((row) => row.may.filter((to) => to !== '*').map((to) => ({ from: row.from, to })))
    .filter(({ to }) => existsSync(join(src, to)))
    .filter(({ from, to }) => !edges.some((edge) => edge.from === from && edge.to === to))
  expect(unused).toEqual([])
})

test('no file imports itself by a detour', () => {
  const targets = new Map<string, string[]>()
  for (const { file, target } of edges) targets.set(file, [...(targets.get(file) ?? []), target])
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, path: string[]) => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    if (done.has(file) || path.includes(file)) return
    for (const target of targets.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  files.forEach((file) => visit(file, []))
  expect(cycles).toEqual([])
})

test('the pure parts do no I/O', () => {
  const pure = (file: string) =>
    file.startsWith('protocol/') || file === 'worker/lifecycle.ts' || file.startsWith('serving/dispatch')
  const impure = files
    .filter((file) => pure(file) && !isTest(file))
    .filter((file) =>
      /from\s+'node:(fs|net|http|https|child_process|worker_threads|dgram|tls|os)/.test(
        readFileSync(join(src, file), 'utf8'),
      ),
    )
  expect(impure).toEqual([])
})
