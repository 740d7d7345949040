/** Archives that mean harm (contract security D1), written by `test/fixtures/archive/make-hostile.py`. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MarinaError } from '../errors.js'
import { verify } from './file-hashes.js'
import { openGeneration } from './generation.js'
import type { Limits } from './limits.js'
import { openArchive } from './open-archive.js'
import { pack } from './pack.js'

const script = new URL('../../test/fixtures/archive/make-hostile.py', import.meta.url).pathname
const limits: Partial<Limits> = { maxMembers: 1000, ratioFreeBytes: 1 << 20 }

let hostile = ''
let folder = ''
beforeAll(async () => {
  hostile = await mkdtemp(join(tmpdir(), 'marina-hostile-'))
  execFileSync('python3', [script, hostile])
})
afterAll(() => rm(hostile, { recursive: true, force: true }))
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-target-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Which words the refusal must have, and the member it must name. */
const zips: Record<string, RegExp> = {
  parent: /member "\.\.\/evil\.txt": points outside/,
  'parent-inside': /"a\/\.\.\/\.\.\/evil\.txt": points outside/,
  'parent-at-end': /points outside/,
  sibling: /"\.\.\/target-sibling\/evil\.txt": points outside/,
  absolute: /"\/tmp\/marina-evil\.txt": is an absolute path/,
  drive: /"C:\/evil\.txt": starts with a drive letter/,
  'drive-relative': /starts with a drive letter/,
  backslash: /has a backslash/,
  control: /"a\\nINFO forged log line\.txt": has a control character/,
  escape: /"a\\u001b\[31m\.txt": has a control character/,
  'long-step': /step longer than 255/,
  'long-path': /name longer than 1024/,
  'not-utf8': /not UTF-8/,
  link: /"link": is a symbolic link/,
  'link-alone': /is a symbolic link/,
  device: /"dev": is neither a file nor a folder/,
  twice: /"a\.txt": occurs twice/,
  'twice-spelled': /occurs twice/,
  'file-and-folder': /"a\/b": lies below "a", which is a file/,
  overlap: /overlaps another member/,
  'same-bytes': /overlaps another member/,
  'two-names': /"good\.txt": has another name in its own header/,
  crc: /"a\.txt": is damaged: its CRC/,
  'crc-deflated': /"a\.txt": is damaged: its CRC/,
  'longer-than-said': /"a\.txt": cannot be unpacked: too many bytes/,
  'shorter-than-said': /"a\.txt": cannot be unpacked: not enough bytes/,
  'beyond-the-end': /"a\.txt": reaches beyond its place/,
  'not-deflate': /"a\.txt": cannot be unpacked/,
  encrypted: /"a\.txt": is encrypted/,
  lzma: /compressed by method 14/,
  bomb: /more than 200 times its size/,
  many: /more than 1000 members/,
  truncated: /cannot be read as zip/,
  'without-header': /has no header|overlaps/,
}

const tars: Record<string, RegExp> = {
  ...Object.fromEntries(
    ['parent', 'parent-inside', 'parent-at-end', 'sibling'].flatMap((label) => [
      [label, /points outside/],
      [`${label}-first`, /points outside/],
    ]),
  ),
  absolute: /"\/tmp\/marina-evil\.txt": is an absolute path/,
  'absolute-first': /is an absolute path/,
  drive: /starts with a drive letter/,
  'drive-first': /starts with a drive letter/,
  'drive-relative': /starts with a drive letter/,
  'drive-relative-first': /starts with a drive letter/,
  backslash: /has a backslash/,
  'backslash-first': /has a backslash/,
  control: /has a control character/,
  'control-first': /has a control character/,
  escape: /has a control character/,
  'escape-first': /has a control character/,
  'long-step': /step longer than 255/,
  'long-step-first': /step longer than 255/,
  'long-path': /name longer than 1024/,
  'long-path-first': /name longer than 1024/,
  link: /"m\/link": is a symbolic link/,
  'link-alone': /is a symbolic link/,
  'hard-link': /"m\/link": is a hard link/,
  device: /"m\/dev": is of the kind CharacterDevice/,
  fifo: /"m\/pipe": is of the kind FIFO/,
  'unknown-kind': /"m\/odd": is of the kind TapeVolumeHeader/,
  twice: /"a\.txt": occurs twice/,
  'twice-after-dropping': /"a\.txt": occurs twice/,
  'file-and-folder': /lies below "a", which is a file/,
  bomb: /more than 200 times its size/,
  many: /more than 1000 members/,
  truncated: /cannot be read as gzip'd tar/,
  crc: /cannot be read as gzip'd tar/,
  'truncated-inside': /cannot be read as gzip'd tar.*[Tt]runcated/,
  'header-sum': /cannot be read as gzip'd tar.*checksum/,
  text: /cannot be read as gzip'd tar/,
}

async function unpack(file: string, to: string): Promise<void> {
  const archive = await openArchive(file, { limits })
  try {
    await archive.extractTo(to)
  } finally {
    await archive.close()
  }
}

const cases = [
  ...Object.entries(zips).map(([label, message]) => [`${label}.mar`, message] as const),
  ...Object.entries(tars).map(([label, message]) => [`${label}.tar.gz`, message] as const),
]

describe('a hostile archive', () => {
  it.each(cases)('%s is refused by name, and nothing is written', async (name, message) => {
    const target = join(folder, 'inner', 'target')
    const failure: unknown = await unpack(join(hostile, name), target).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(MarinaError)
    expect(failure).toMatchObject({ code: 'invalid-archive' })
    expect(String(failure)).toMatch(message)
    expect(String(failure)).toContain(name)
    // Nothing but the parent folder that was asked for, and nothing beside it.
    expect(readdirSync(folder, { recursive: true })).toEqual(
      existsSync(join(folder, 'inner')) ? ['inner'] : [],
    )
    expect(existsSync('/tmp/marina-evil.txt')).toBe(false)
  })

  it('has a case here for each file that the script writes', async () => {
    expect((await readdir(hostile)).sort()).toEqual(cases.map(([name]) => name).sort())
  })

  it.each(['crc.mar', 'bomb.tar.gz', 'twice.mar'])(
    '%s leaves no generation and no cache entry behind',
    async (name) => {
      const options = { cacheDir: join(folder, 'cache'), generationsDir: join(folder, 'generations'), limits }
      await expect(openGeneration(join(hostile, name), options)).rejects.toMatchObject({
        code: 'invalid-archive',
      })
      expect(await readdir(options.generationsDir)).toEqual([])
      expect(await readdir(join(options.cacheDir, 'trees'))).toEqual([])
    },
  )

  it('with a CRC that does not fit is an unreadable member to verify, which still reads the others', async () => {
    const data = Buffer.from('0123456789')
    const { file } = await pack({
      modelName: 'm',
      version: '1',
      handler: 'image_classifier',
      members: [
        { name: 'a.bin', data },
        { name: 'b.bin', data: 'other' },
      ],
      exportPath: join(folder, 'out'),
      marina: {},
    })
    const bytes = await readFile(file)
    bytes[bytes.indexOf(data)] = 0x39
    await writeFile(file, bytes)
    const findings = await verify(file)
    expect(findings.map(({ kind, member }) => [kind, member])).toEqual([['unreadable', 'a.bin']])
  })
})

describe('any bytes', () => {
  it('put in place of others in an archive are either harmless or refused as invalid-archive', async () => {
    const members = [
      { name: 'a.txt', data: 'a'.repeat(300) },
      { name: 'd/b.onnx', data: 'b'.repeat(100) },
    ]
    for (const archiveFormat of ['default', 'tgz'] as const) {
      const options = {
        modelName: 'm',
        version: '1',
        handler: 'x',
        exportPath: folder,
        archiveFormat,
        marina: {},
      }
      const { file } = await pack({ ...options, handler: 'image_classifier', members })
      const good = await readFile(file)
      const edit = fc.tuple(
        fc.nat(good.length - 1),
        fc.uint8Array({ minLength: 1, maxLength: 8 }),
        fc.boolean(),
      )
      await fc.assert(
        fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
          let bytes = Buffer.from(good)
          for (const [offset, patch, cut] of edits) {
            bytes.set(patch.subarray(0, Math.max(0, bytes.length - offset)), Math.min(offset, bytes.length))
            if (cut && offset % 7 === 0) bytes = bytes.subarray(0, offset)
          }
          await writeFile(file, bytes)
          const target = join(folder, 'target')
          const failure: unknown = await unpack(file, target).then(
            () => undefined,
            (error: unknown) => error,
          )
          if (failure !== undefined) {
            expect(failure).toMatchObject({ code: 'invalid-archive' })
            expect(existsSync(target)).toBe(false)
          }
          await rm(target, { recursive: true, force: true })
          expect(readdirSync(folder)).toEqual([archiveFormat === 'default' ? 'm.mar' : 'm.tar.gz'])
        }),
        { numRuns: 150 },
      )
      await rm(file)
    }
  })
})
