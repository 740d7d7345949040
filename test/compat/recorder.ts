/**
 * Records the answers of TorchServe 0.12.0 to the scenes of a suite, named ones or all; with `--check`, plays one of them
 * again and compares ten of its answers with what is stored; with `--pack`, packs the archives anew first.
 */
import { deepStrictEqual } from 'node:assert'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePorts, installOriginal, startOriginal, type Original } from './original.js'
import { play, type Exchange } from './play.js'
import type { Scene } from './step.js'

/** Scenes, and the archives that they need. */
export interface Suite {
  /** Holds `store/`, the archives, and `recorded/`, a file for each scene. */
  readonly folder: string
  readonly scenes: readonly Scene[]
  /** Packs the archives with the original's archiver. */
  readonly makeStore: (folder: string, original: Original) => Promise<void>
}

/** Runs the recorder's command line. */
export async function runRecorder(suite: Suite): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { check: { type: 'boolean', default: false }, pack: { type: 'boolean', default: false } },
  })
  const original = installOriginal()
  const chosen = suite.scenes.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  if (chosen.length === 0) throw new Error(`There is no scene ${positionals.join(' ')}.`)
  if (values.check) return check(suite, { original, chosen })
  await keepStore(suite, { original, anew: values.pack })
  for (const scene of chosen) {
    const exchanges = await recordScene(scene, { original, store: join(suite.folder, 'store') })
    // One exchange a line, so that a difference can be read.
    const lines = exchanges.map((exchange) => JSON.stringify(exchange)).join(',\n')
    await mkdir(join(suite.folder, 'recorded'), { recursive: true })
    await writeFile(recordingOf(suite, scene), `[\n${lines}\n]\n`)
    console.log(`${scene.name}: ${exchanges.length} exchanges`)
  }
}

/** Where a scene's answers are stored. */
export const recordingOf = ({ folder }: Pick<Suite, 'folder'>, { name }: Scene): string =>
  join(folder, 'recorded', `${name}.json`)

async function keepStore(
  { folder, makeStore }: Suite,
  { original, anew }: { original: Original; anew: boolean },
): Promise<void> {
  const store = join(folder, 'store')
  if (existsSync(store) && !anew) return
  await rm(store, { recursive: true, force: true })
  await makeStore(store, original)
}

async function recordScene(
  scene: Scene,
  { original, store }: { original: Original; store: string },
): Promise<Exchange[]> {
  const ports = await freePorts(scene.shared)
  const modelStore = await mkdtemp(join(tmpdir(), 'marina-store-'))
  await cp(store, modelStore, { recursive: true })
  const server = await startOriginal(original, { ...scene, ports, modelStore })
  try {
    return await play(scene, { ...server, ports })
  } finally {
    await server.stop()
    await rm(modelStore, { recursive: true, force: true })
  }
}

/** With archives that are packed again, so that these are checked too. */
async function check(
  suite: Suite,
  { original, chosen }: { original: Original; chosen: readonly Scene[] },
): Promise<void> {
  const scene = chosen[Math.floor(Math.random() * chosen.length)]
  if (!scene) return
  const stored = JSON.parse(await readFile(recordingOf(suite, scene), 'utf8')) as Exchange[]
  const store = await mkdtemp(join(tmpdir(), 'marina-store-'))
  await suite.makeStore(store, original)
  const again = await recordScene(scene, { original, store })
  await rm(store, { recursive: true, force: true })
  const all = again.map((_, at) => at)
  for (let n = 0; n < 10 && all.length > 0; n++) {
    const [at = 0] = all.splice(Math.floor(Math.random() * all.length), 1)
    deepStrictEqual(again[at], stored[at])
    console.log(`equal: ${scene.name} ${again[at]?.title ?? ''}`)
  }
}
