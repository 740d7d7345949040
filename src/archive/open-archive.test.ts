/** Reading archives of every form, honest ones here; hostile ones in `hostile-archives.test.ts`. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { verify } from './file-hashes.js'
import { openArchive } from './open-archive.js'
import { pack } from './pack.js'
import type { ArchiveFormat } from './pack-options.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-open-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const at = (...steps: string[]) => join(folder, ...steps)
const python = (script: string, ...args: string[]) => execFileSync('python3', ['-c', script, ...args])

async function put(name: string, text: string | Uint8Array): Promise<void> {
  await mkdir(join(at(name), '..'), { recursive: true })
  await writeFile(at(name), text)
}

const formats: ArchiveFormat[] = ['default', 'zip-store', 'tgz', 'no-archive']

describe.each(formats)('an archive packed as %s', (archiveFormat) => {
  it('gives back every member, opened and unpacked', async () => {
    const step = fc.stringMatching(/^[a-z0-9ü_.-]{1,12}$/).filter((name) => !/^\.+$/.test(name))
    const name = fc.array(step, { minLength: 1, maxLength: 3 }).map((steps) => `x/${steps.join('/')}`)
    const contents = fc.dictionary(name, fc.uint8Array({ maxLength: 2000 }), { maxKeys: 6 })
    const whole = contents.filter((files) => {
      const names = Object.keys(files)
      return !names.some((one) => names.some((other) => other.startsWith(`${one}/`)))
    })
    await fc.assert(
      fc.asyncProperty(whole, async (files) => {
        const members = Object.entries(files).map(([name, data]) => ({ name, data }))
        const handler = 'image_classifier'
        const options = { modelName: 'm', version: '1', handler, members, archiveFormat, marina: {} }
        const { file } = await pack({ ...options, exportPath: folder, force: true })
        const archive = await openArchive(file)
        for (const { name, data } of members) {
          expect(Buffer.from(data).equals(await archive.read(name))).toBe(true)
        }
        await archive.extractTo(at('unpacked'))
        for (const { name, data } of members)
          expect(Buffer.from(data).equals(await readFile(at('unpacked', name)))).toBe(true)
        await archive.close()
        expect(await verify(file)).toEqual([])
        await rm(at('unpacked'), { recursive: true })
      }),
      { numRuns: 15 },
    )
  })

  it('is verified member by member', async () => {
    const members = [
      { name: 'a.txt', data: 'a' },
      { name: 'b.txt', data: 'b' },
    ]
    const options = {
      modelName: 'm',
      version: '1',
      handler: 'image_classifier',
      archiveFormat,
      exportPath: folder,
    }
    const { file } = await pack({ ...options, members, marina: {} })
    expect(await verify(file)).toEqual([])
    const folderCopy = at('copy')
    const archive = await openArchive(file)
    await archive.extractTo(folderCopy)
    await archive.close()
    await writeFile(join(folderCopy, 'a.txt'), 'A')
    await rm(join(folderCopy, 'b.txt'))
    await writeFile(join(folderCopy, 'c.txt'), 'c')
    const findings = await verify(folderCopy)
    expect(findings.map(({ kind, member }) => `${kind} ${member}`)).toEqual([
      'changed a.txt',
      'missing b.txt',
      'added c.txt',
    ])
    expect(findings[0]?.message).toMatch(
      /^a\.txt has SHA-256 [0-9a-f]{64} \(1 bytes\), was packed with [0-9a-f]{64}/,
    )
    const { file: bare } = await pack({ ...options, members, fileName: 'bare' })
    expect((await verify(bare)).map(({ kind }) => kind)).toEqual(['no-hashes'])
  })
})

describe('an archive of another archiver', () => {
  const manifest = JSON.stringify({ runtime: 'python', model: { modelName: 'reviews', modelVersion: 2.3 } })

  it('may have folder entries, the manifest first, data descriptors and a comment', async () => {
    python(
      `
import sys, zipfile
class Pipe:                              # not seekable: sizes follow the data
    def __init__(self, f): self.f = f
    def write(self, b): return self.f.write(b)
    def flush(self): self.f.flush()
with open(sys.argv[1], 'wb') as f, zipfile.ZipFile(Pipe(f), 'w', zipfile.ZIP_DEFLATED) as z:
    z.comment = b'made by hand'
    z.writestr('MAR-INF/', '')
    z.writestr('MAR-INF/MANIFEST.json', sys.argv[2])
    z.writestr('extra/unknown.xyz', 'kept')
    z.writestr('model.pt', 'w' * 100, zipfile.ZIP_STORED)`,
      at('m.mar'),
      manifest,
    )
    const archive = await openArchive(at('m.mar'))
    expect(archive.manifest.model).toEqual({ modelName: 'reviews', modelVersion: '2.3' })
    expect(archive.rawManifest).toEqual(JSON.parse(manifest))
    expect(archive.members().map(({ name }) => name)).toEqual([
      'MAR-INF/MANIFEST.json',
      'extra/unknown.xyz',
      'model.pt',
    ])
    expect(await archive.read('model.pt')).toHaveLength(100)
    await archive.close()
  })

  it('without a manifest has an empty one', async () => {
    python('import sys,zipfile; zipfile.ZipFile(sys.argv[1],"w").writestr("a.txt","a")', at('m.mar'))
    const archive = await openArchive(at('m.mar'))
    expect(archive.manifest).toEqual({ runtime: 'python', model: { modelVersion: '1.0' } })
    expect(archive.rawManifest).toBeUndefined()
    await archive.close()
  })

  it.each([
    ['mymodel/MAR-INF/MANIFEST.json', 'MAR-INF/MANIFEST.json'],
    ['./MAR-INF/MANIFEST.json', 'MAR-INF/MANIFEST.json'],
    ['MAR-INF/MANIFEST.json', 'MAR-INF/MANIFEST.json'],
  ])('as tar has its top folder dropped: %s', async (name, expected) => {
    python(
      `
import io, sys, tarfile
with tarfile.open(sys.argv[1], 'w:gz') as t:
    for name in [sys.argv[2], sys.argv[2].replace('MAR-INF/MANIFEST.json', 'sub/a.txt')]:
        info = tarfile.TarInfo(name); data = sys.argv[3].encode(); info.size = len(data)
        t.addfile(info, io.BytesIO(data))`,
      at('m.tar.gz'),
      name,
      manifest,
    )
    const archive = await openArchive(at('m.tar.gz'))
    expect(archive.members().map((member) => member.name)).toEqual([expected, 'sub/a.txt'])
    expect(archive.manifest.model.modelName).toBe('reviews')
    expect((await archive.read('sub/a.txt')).toString()).toBe(manifest)
    await archive.close()
  })

  it('as a folder with one folder in it is the inner one', async () => {
    await put('outer/model/MAR-INF/MANIFEST.json', manifest)
    const archive = await openArchive(at('outer'))
    expect(archive.source).toBe(at('outer', 'model'))
    expect(archive.manifest.model.modelName).toBe('reviews')
  })

  it('keeps the execute bit of a file and no other permission', async () => {
    python(
      `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    for name, mode in [('tool', 0o104777), ('text', 0o100666)]:
        info = zipfile.ZipInfo(name); info.external_attr = mode << 16; z.writestr(info, 'x')`,
      at('m.mar'),
    )
    const archive = await openArchive(at('m.mar'))
    await archive.extractTo(at('out'))
    await archive.close()
    expect((await stat(at('out/tool'))).mode & 0o7777).toBe(0o755)
    expect((await stat(at('out/text'))).mode & 0o7777).toBe(0o644)
  })
})

describe('what cannot be opened is named', () => {
  it.each([
    ['nowhere.mar', undefined, /nowhere\.mar: no such file/],
    ['text.mar', 'hello', /text\.mar: is neither a zip file/],
    ['empty.mar', '', /empty\.mar: is neither a zip file/],
    ['half.mar', 'PK\u0003\u0004 and then nothing', /half\.mar: cannot be read as zip/],
    ['half.tar.gz', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), /half\.tar\.gz: cannot be read as gzip'd tar/],
  ])('%s', async (name, content, message) => {
    if (content !== undefined) await put(name, content)
    await expect(openArchive(at(name))).rejects.toThrow(message)
  })

  it('a bad manifest gives the text of the original', async () => {
    await put('model/MAR-INF/MANIFEST.json', '{')
    await put('model/a', '')
    await expect(openArchive(at('model'))).rejects.toMatchObject({
      message: 'Failed to parse signature.json.',
      code: 'invalid-archive',
    })
  })

  it('and unpacking into a folder that exists changes nothing', async () => {
    await put('model/a.txt', 'new')
    await put('there/a.txt', 'old')
    const archive = await openArchive(at('model'))
    await expect(archive.extractTo(at('there'))).rejects.toThrow(/there exists already/)
    expect(await readFile(at('there/a.txt'), 'utf8')).toBe('old')
    expect((await readdir(folder)).sort()).toEqual(['model', 'there'])
  })
})
