/** What `marina chaos` loads: archives that were given, or two small models of its own, one for each kind of worker. */
import { constants } from 'node:fs'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { MARINA_FOLDER, openArchive, pack } from '../../archive/index.js'
import { misuse } from '../../errors.js'

/** A request, and the text that answers it; undefined: any text with status 200 does. */
export interface ChaosRequest {
  readonly body: string | Uint8Array
  readonly contentType: string | undefined
  readonly expected: string | undefined
}

/** A request after which its worker keeps so much memory for ever. */
export interface Growth {
  readonly request: ChaosRequest
  readonly mebibytes: number
}

/** A model under test. */
export interface Subject {
  readonly model: string
  /** Its versions as archives in the server's model store; the first is served first. One alone means no rollouts. */
  readonly archives: readonly string[]
  /** The request of a number. */
  readonly requestOf: (number: number) => ChaosRequest
  /** Undefined where the model cannot be made to grow. */
  readonly grow: Growth | undefined
}

const MIB_A_REQUEST = 32
/** Above this the server is to replace a worker of ours: more than a fresh one takes, and a few of those requests. */
export const RECYCLE_ABOVE = '192m'

const TYPESCRIPT = `
const text = (job: any): string => new TextDecoder().decode(job.input.parts[0].data)
export default {
  initialize: () => [] as Uint8Array[],
  async inference(rows: unknown[], hoard: Uint8Array[], jobs: any[]) {
    await new Promise((resolve) => setTimeout(resolve, 3))
    for (const job of jobs) if (text(job) === 'grow') hoard.push(new Uint8Array(${MIB_A_REQUEST} << 20).fill(1))
    return jobs.map((job) => 'seen ' + text(job))
  },
}
`
const PYTHON = `
import time
hoard = []
def text(row):
    body = row["body"]
    return body if isinstance(body, str) else bytes(body).decode()
def handle(data, context):
    if data is None: return
    time.sleep(0.003)
    for row in data:
        if text(row) == "grow": hoard.append(b"1" * (${MIB_A_REQUEST} << 20))
    return ["seen " + text(row) for row in data]
`

const OWN = [
  { model: 'typescript', file: 'handler.ts', source: TYPESCRIPT },
  { model: 'python', file: 'handler.py', source: PYTHON },
] as const

/** Packs the two models, in two versions each, into the store. */
export async function ownSubjects(store: string): Promise<readonly Subject[]> {
  return Promise.all(
    OWN.map(async ({ model, file, source }) => {
      const folder = join(store, 'sources', model)
      await mkdir(folder, { recursive: true })
      const handler = join(folder, file)
      await writeFile(handler, source)
      const packVersion = (version: string) =>
        pack({ modelName: model, version, handler, exportPath: store, fileName: `${model}-${version}` })
      const archives = [(await packVersion('1.0')).file, (await packVersion('2.0')).file]
      return {
        model,
        archives,
        requestOf: (number) => echo(`request ${number}`),
        grow: { request: echo('grow'), mebibytes: MIB_A_REQUEST },
      }
    }),
  )
}

const echo = (text: string): ChaosRequest => ({
  body: text,
  contentType: 'text/plain',
  expected: `seen ${text}`,
})

/**
 * Copies given archives into the store; those of one model are its versions. They are asked `data`, or the first example
 * that an archive carries.
 * @throws MarinaError `invalid-archive`; `misuse` for a model without a request, or two archives of one file name
 */
export async function givenSubjects(
  files: readonly string[],
  { store, data }: { store: string; data: Uint8Array | undefined },
): Promise<readonly Subject[]> {
  const models = new Map<string, { archives: string[]; request: ChaosRequest | undefined }>()
  for (const file of files) {
    const archive = await openArchive(file)
    try {
      const { modelName } = archive.manifest.model
      if (modelName === undefined) throw misuse(`The archive ${file} names no model.`)
      const known = models.get(modelName) ?? { archives: [], request: undefined }
      known.archives.push(await copyInto(store, file))
      const example = archive.examples?.requests[0]
      if (data) known.request = { body: data, contentType: undefined, expected: undefined }
      else if (example)
        known.request ??= {
          body: await archive.read(`${MARINA_FOLDER}/examples/${example.file}`),
          contentType: example.contentType,
          expected: undefined,
        }
      models.set(modelName, known)
    } finally {
      await archive.close()
    }
  }
  return [...models].map(([model, { archives, request }]) => {
    if (!request)
      throw misuse(
        `What ${model} is to be asked is not known: its archive has no examples. Give --data FILE.`,
      )
    return { model, archives, requestOf: () => request, grow: undefined }
  })
}

async function copyInto(store: string, file: string): Promise<string> {
  const to = join(store, basename(file))
  try {
    await copyFile(file, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw misuse(`Two of the archives are named ${basename(file)}. Rename one.`)
  }
  return to
}
