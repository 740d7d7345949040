/**
 * The examples of a project folder: `examples/examples.json` as it will stand in the archive, or else every file of
 * `examples/` is a request, and `<file>.expect.json` beside it holds the fields that its answer must have.
 */
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { invalidFile, messageOf } from '../errors.js'
import { systemCode, unreadableFile } from './errors.js'
import type { PackExample } from './pack-options.js'
import { parseExamples } from './parse-schema.js'

const contentTypes: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.json': 'application/json',
  '.txt': 'text/plain',
}

const LIST = 'examples.json'
const EXPECT = '.expect.json'
/** Single-precision answers differ by about this much between processors. */
const TOLERANCE = 0.001

/** Undefined when the folder is not there. Throws `invalid-file` naming the file. */
export async function readExamples(folder: string): Promise<readonly PackExample[] | undefined> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined
    throw unreadableFile(folder, error)
  })
  if (!names) return undefined
  if (names.includes(LIST)) return listed(folder)
  const bodies = names.filter((name) => !name.startsWith('.') && !name.endsWith(EXPECT)).sort()
  return Promise.all(
    bodies.map(async (file) => ({
      name: file.slice(0, -extname(file).length || undefined),
      file,
      contentType: contentTypes[extname(file).toLowerCase()] ?? 'application/octet-stream',
      from: join(folder, file),
      ...(names.includes(file + EXPECT) && (await expectation(join(folder, file + EXPECT)))),
    })),
  )
}

async function listed(folder: string): Promise<readonly PackExample[]> {
  const { requests } = await examplesIn(join(folder, LIST))
  return requests.map((request) => ({ ...request, from: join(folder, request.file) }))
}

/** Read through the archive's own reader, so that what it would refuse is refused here. */
async function expectation(file: string) {
  const text = await readFile(file, 'utf8')
  const request = `{ "name": "x", "file": "x", "contentType": "x", "tolerance": ${TOLERANCE}, "expect": ${text} }`
  const [read] = parsedExamples(file, `{ "requests": [${request}] }`).requests
  return { expect: read?.expect ?? {}, tolerance: TOLERANCE }
}

const examplesIn = async (file: string) => parsedExamples(file, await readFile(file, 'utf8'))

function parsedExamples(file: string, text: string) {
  try {
    return parseExamples(text)
  } catch (error) {
    throw invalidFile(file, messageOf(error), error)
  }
}
