/** Generations and the unpack cache under them, with real files and real processes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hashFile, rememberedHash } from './file-hash.js'
import { openGeneration, type GenerationOptions } from './generation.js'
import { pack } from './pack.js'

let folder = ''
let options: GenerationOptions
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-generation-'))
  options = { cacheDir: join(folder, 'cache'), generationsDir: join(folder, 'generations') }
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const BIG_BYTES = 3 << 20
const trees = () => readdir(join(options.cacheDir, 'trees')).catch(() => [])
const generations = () => readdir(options.generationsDir).catch(() => [])

async function archive(modelName: string, version = '1.0', archiveFormat: 'default' | 'tgz' = 'default') {
  const members = [
    { name: 'weights.bin', data: new Uint8Array(BIG_BYTES).fill(Number.parseFloat(version)) },
    { name: 'sub/labels.json', data: '[1]' },
  ]
  const { file } = await pack({
    modelName,
    version,
    handler: 'image_classifier',
    members,
    exportPath: folder,
    archiveFormat,
    force: true,
  })
  return file
}

describe('a generation', () => {
  it.each(['default', 'tgz'] as const)(
    'of a %s has its own writable small files and shares the large ones, read-only',
    async (format) => {
      const file = await archive('m', '1.0', format)
      const one = await openGeneration(file, options)
      const other = await openGeneration(file, options)
      expect(one.dir).not.toBe(other.dir)
      expect(one.manifest.model.modelName).toBe('m')
      expect(one.sha256).toBe(await hashFile(file))
      await writeFile(join(one.dir, 'sub/labels.json'), '[2]')
      await writeFile(join(one.dir, 'written-by-the-handler'), 'x')
      expect(await readFile(join(other.dir, 'sub/labels.json'), 'utf8')).toBe('[1]')
      const [a, b] = await Promise.all([one, other].map(({ dir }) => stat(join(dir, 'weights.bin'))))
      expect(a?.ino).toBe(b?.ino)
      expect((a?.mode ?? 0) & 0o777).toBe(0o444)
      expect((await stat(one.dir)).mode & 0o777).toBe(0o700)
      await one.close()
      await one.close()
      expect(await generations()).toHaveLength(1)
      expect(await readFile(join(other.dir, 'weights.bin'))).toHaveLength(BIG_BYTES)
      await other.close()
      expect(await generations()).toEqual([])
      expect(await trees()).toEqual([one.sha256])
    },
  )

  it('of a folder is the folder, and stays after close', async () => {
    const model = join(folder, 'model')
    await mkdir(join(model, 'MAR-INF'), { recursive: true })
    await writeFile(join(model, 'MAR-INF/MANIFEST.json'), '{"model":{"modelName":"m"}}')
    const generation = await openGeneration(model, options)
    expect(generation).toMatchObject({ dir: model, sha256: undefined })
    await generation.close()
    expect((await stat(model)).isDirectory()).toBe(true)
    expect(await trees()).toEqual([])
  })

  it('of a replaced archive is the new one', async () => {
    const file = await archive('m', '1.0')
    await (await openGeneration(file, options)).close()
    await archive('m', '2.0')
    const generation = await openGeneration(file, options)
    expect(generation.manifest.model.modelVersion).toBe('2.0')
    expect((await readFile(join(generation.dir, 'weights.bin')))[0]).toBe(2)
    await generation.close()
  })

  it('is made by several processes at once from one tree', async () => {
    const file = await archive('m')
    const library = new URL('../../dist/archive/index.js', import.meta.url).href
    const program = join(folder, 'load.mjs')
    await writeFile(
      program,
      `import { openGeneration } from ${JSON.stringify(library)}
       const { dir } = await openGeneration(process.argv[2], JSON.parse(process.argv[3]))
       process.stdout.write(dir)`,
    )
    const dirs = await Promise.all([1, 2, 3].map(() => output(program, [file, JSON.stringify(options)])))
    expect(new Set(dirs).size).toBe(3)
    for (const dir of dirs) expect(await readFile(join(dir, 'weights.bin'))).toHaveLength(BIG_BYTES)
    expect(await trees()).toEqual([await hashFile(file)])
    expect(await generations()).toHaveLength(3)
  })

  it('is not made when the signal is aborted, and leaves nothing', async () => {
    const file = await archive('m')
    await expect(openGeneration(file, { ...options, signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
    expect(await generations()).toEqual([])
    expect(await trees()).toEqual([])
  })

  it('of a missing archive says so', async () => {
    await expect(openGeneration(join(folder, 'no.mar'), options)).rejects.toThrow(/no\.mar: no such file/)
  })
})

async function output(program: string, args: string[]): Promise<string> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const [code] = (await once(child, 'close')) as [number]
  expect(code).toBe(0)
  return Buffer.concat(chunks).toString()
}

describe('the cache', () => {
  it.skipIf(!existsSync('/dev/shm'))('on another file system than the generations gives copies', async () => {
    const shm = await mkdtemp('/dev/shm/marina-generation-')
    try {
      const generation = await openGeneration(await archive('m'), { ...options, generationsDir: shm })
      expect(await readFile(join(generation.dir, 'weights.bin'))).toHaveLength(BIG_BYTES)
      expect((await stat(join(generation.dir, 'weights.bin'))).nlink).toBe(1)
      await generation.close()
      expect(await readdir(shm)).toEqual([])
    } finally {
      await rm(shm, { recursive: true })
    }
  })

  it('does not take in an archive that is being written', async () => {
    // Large enough that its time changes while it is unpacked.
    const members = [{ name: 'weights.bin', data: new Uint8Array(64 << 20) }]
    const handler = 'image_classifier'
    const { file } = await pack({ modelName: 'm', version: '1', handler, members, exportPath: folder })
    const loading = openGeneration(file, options)
    const growing = (async () => {
      while ((await trees()).length === 0) await new Promise((resolve) => setImmediate(resolve))
      await utimes(file, 1, 1)
    })()
    await expect(loading).rejects.toThrow(/changed while it was read/)
    await growing
    expect(await trees()).toEqual([])
    expect(await generations()).toEqual([])
  })

  it('is bounded: what was used longest ago goes first, but nothing that a generation uses', async () => {
    const bounded = { ...options, maxCacheBytes: 2.5 * BIG_BYTES }
    const used = async (sha256: string | undefined, seconds: number) =>
      utimes(join(options.cacheDir, 'trees', sha256 ?? ''), seconds, seconds)
    const open = async (name: string, usedSeconds: number) => {
      const generation = await openGeneration(await archive(name), bounded)
      await used(generation.sha256, usedSeconds)
      return generation
    }
    const a = await open('a', 3000)
    const b = await open('b', 2000)
    await b.close()
    const c = await open('c', 1000)
    expect((await trees()).sort()).toEqual([a.sha256, c.sha256].sort())
    await c.close()
    const d = await open('d', 4000)
    expect((await trees()).sort()).toEqual([a.sha256, d.sha256].sort())
    const again = await openGeneration(join(folder, 'b.mar'), bounded)
    expect(await readFile(join(again.dir, 'weights.bin'))).toHaveLength(BIG_BYTES)
  })

  it('keeps the tree just asked for even when it alone is too large', async () => {
    const generation = await openGeneration(await archive('a'), { ...options, maxCacheBytes: 1 })
    expect(await trees()).toEqual([generation.sha256])
  })

  it('unpacks again when a crash left a file of a tree shorter', async () => {
    const file = await archive('m')
    const first = await openGeneration(file, options)
    await first.close()
    const weights = join(options.cacheDir, 'trees', first.sha256 ?? '', 'tree/weights.bin')
    await chmod(weights, 0o600)
    await truncate(weights, 10)
    const second = await openGeneration(file, options)
    expect(await readFile(join(second.dir, 'weights.bin'))).toHaveLength(BIG_BYTES)
    expect(await trees()).toEqual([first.sha256])
  })

  it('unpacks again when a byte of a tree was changed in place', async () => {
    const file = await archive('m')
    const first = await openGeneration(file, options)
    await first.close()
    const weights = join(options.cacheDir, 'trees', first.sha256 ?? '', 'tree/weights.bin')
    const good = await readFile(weights)
    await chmod(weights, 0o600)
    await writeFile(weights, Buffer.from(good).fill(0, 100, 101).fill(255, 101, 102))
    const second = await openGeneration(file, options)
    expect((await readFile(join(second.dir, 'weights.bin'))).equals(good)).toBe(true)
  })

  it('removes what an interrupted unpacking left a day ago', async () => {
    const left = (name: string) => join(options.cacheDir, 'trees', name)
    await mkdir(left('old.tmp'), { recursive: true })
    await mkdir(left('new.tmp'))
    await utimes(left('old.tmp'), 1, 1)
    const { sha256 } = await openGeneration(await archive('m'), options)
    expect((await trees()).sort()).toEqual(['new.tmp', sha256].sort())
  })
})

describe('a remembered hash', () => {
  const content = 'x'.repeat(1000)

  it('is believed while the file is the same, and only then', async () => {
    const [file, memory] = [join(folder, 'a.mar'), join(folder, 'hashes')]
    await writeFile(file, content)
    await utimes(file, 1000, 1000)
    const sha256 = await rememberedHash(file, { memory })
    expect(sha256).toBe(await hashFile(file))
    const [note = ''] = await readdir(memory)
    const kept = (await readFile(join(memory, note), 'utf8')).replace(sha256, 'f'.repeat(64))
    await writeFile(join(memory, note), kept)
    expect(await rememberedHash(file, { memory })).toBe('f'.repeat(64))
    await utimes(file, 1001, 1001)
    expect(await rememberedHash(file, { memory })).toBe(sha256)
    await writeFile(join(memory, note), 'damaged')
    expect(await rememberedHash(file, { memory })).toBe(sha256)
  })

  it('is not kept for a file that was written just now, whose time may not tell a second writing', async () => {
    const [file, memory] = [join(folder, 'a.mar'), join(folder, 'hashes')]
    await writeFile(file, content)
    // However long this test takes.
    const soon = Date.now() / 1000 + 600
    await utimes(file, soon, soon)
    await rememberedHash(file, { memory })
    expect(await readdir(memory).catch(() => [])).toEqual([])
  })

  it('follows a file that is replaced by one of the same size and time', async () => {
    const [file, memory] = [join(folder, 'a.mar'), join(folder, 'hashes')]
    await writeFile(file, content)
    await utimes(file, 1000, 1000)
    await rememberedHash(file, { memory })
    await writeFile(`${file}.new`, 'y'.repeat(1000))
    await utimes(`${file}.new`, 1000, 1000)
    await rename(`${file}.new`, file)
    expect(await rememberedHash(file, { memory })).toBe(await hashFile(file))
  })
})
