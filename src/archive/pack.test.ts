/**
 * What pack writes, as others read it: Python's zipfile and tarfile, unzip, and a reader that goes from
 * header to header.
 */
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chmod,
  open,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MarinaError } from '../errors.js'
import { dataBody } from './body.js'
import { FILES_MEMBER, verify } from './file-hashes.js'
import { hashFile } from './file-hash.js'
import { openArchive } from './open-archive.js'
import { pack } from './pack.js'
import { tarWriter } from './tar-writer.js'
import { zipWriter } from './zip-writer.js'
import type { FileHandle } from 'node:fs/promises'
import type { PackOptions } from './pack-options.js'
import type { Progress } from './progress.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-pack-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const at = (...steps: string[]) => join(folder, ...steps)
async function put(name: string, text: string | Uint8Array = name): Promise<string> {
  await mkdir(join(at(name), '..'), { recursive: true })
  await writeFile(at(name), text)
  return at(name)
}
const python = (script: string, ...args: string[]) =>
  execFileSync('python3', ['-c', script, ...args], { encoding: 'utf8' }).trim()

async function mnist(more: Partial<PackOptions> = {}): Promise<PackOptions> {
  return {
    modelName: 'mnist',
    version: '1.0',
    handler: await put('src/handler.py', 'def handle(data, context): ...\n'),
    serializedFile: await put('src/model.pt', 'weights '.repeat(1000)),
    extraFiles: [await put('src/index_to_name.json', '{}')],
    exportPath: at('out'),
    ...more,
  }
}

const zipNames = (file: string) =>
  JSON.parse(
    python('import sys,zipfile,json; print(json.dumps(zipfile.ZipFile(sys.argv[1]).namelist()))', file),
  ) as string[]

describe('a .mar', () => {
  it('is read by Python and unzip: files at the root, no folders, the manifest last', async () => {
    const { file } = await pack(await mnist())
    expect(file).toBe(at('out', 'mnist.mar'))
    expect(zipNames(file)).toEqual(['handler.py', 'index_to_name.json', 'model.pt', 'MAR-INF/MANIFEST.json'])
    expect(python('import sys,zipfile; print(zipfile.ZipFile(sys.argv[1]).testzip())', file)).toBe('None')
    expect(execFileSync('unzip', ['-tq', file], { encoding: 'utf8' })).toContain('No errors detected')
    expect(execFileSync('unzip', ['-l', file], { encoding: 'utf8' })).toMatch(/ 8000 .* model\.pt\n/)
  })

  it('has no data descriptors, which the original server refuses on stored members', async () => {
    const { file } = await pack(await mnist())
    // As java.util.zip.ZipInputStream: header after header, sizes from the header, never from the directory.
    const script = `
import struct, sys, zlib
data = open(sys.argv[1], 'rb').read(); at = 0
while data[at:at+4] == b'PK\\3\\4':
    _, flags, method, _, _, crc, packed, size, n, m = struct.unpack('<HHHHHIIIHH', data[at+4:at+30])
    assert not flags & 8
    body = data[at+30+n+m:at+30+n+m+packed]
    body = zlib.decompress(body, -15) if method else body
    assert len(body) == size and zlib.crc32(body) == crc
    print(data[at+30:at+30+n].decode(), 'deflated' if method else 'stored')
    at += 30+n+m+packed
assert data[at:at+4] == b'PK\\1\\2'`
    expect(python(script, file).split('\n')).toEqual([
      'handler.py deflated',
      'index_to_name.json deflated',
      'model.pt stored',
      'MAR-INF/MANIFEST.json deflated',
    ])
  })

  it('deflates weights when asked, and stores everything as zip-store', async () => {
    const deflated = await pack(await mnist({ store: 'nothing' }))
    const stored = await pack(await mnist({ archiveFormat: 'zip-store', force: true }))
    expect(deflated.bytes).toBeLessThan(2000)
    expect(stored.bytes).toBeGreaterThan(8000)
  })

  it('records the permission bits of the files', async () => {
    const tool = await put('src/tool.sh', '#!/bin/sh\n')
    await chmod(tool, 0o751)
    const { file } = await pack(await mnist({ extraFiles: [tool] }))
    const mode = python(
      'import sys,zipfile; print(oct(zipfile.ZipFile(sys.argv[1]).getinfo("tool.sh").external_attr >> 16))',
      file,
    )
    expect(mode).toBe('0o100751')
  })

  it('has the manifest of the original, byte for byte', async () => {
    const { file } = await pack(await mnist({ sourceDate: new Date(Date.UTC(2026, 10, 23, 3, 47, 45)) }))
    const archive = await openArchive(file)
    expect((await archive.read('MAR-INF/MANIFEST.json')).toString()).toBe(`{
  "createdOn": "23/11/2026 03:47:45",
  "runtime": "python",
  "model": {
    "modelName": "mnist",
    "serializedFile": "model.pt",
    "handler": "handler.py",
    "modelVersion": "1.0"
  },
  "archiverVersion": "0.12.0"
}`)
    await archive.close()
  })

  it('has names beyond ASCII that Python reads', async () => {
    const { file } = await pack(await mnist({ members: [{ name: 'größe/数字.txt', data: 'x' }] }))
    expect(zipNames(file)).toContain('größe/数字.txt')
  })
})

describe('equal inputs', () => {
  const sourceDate = new Date(Date.UTC(2026, 0, 2, 3, 4, 6))

  it.each(['default', 'zip-store', 'tgz'] as const)(
    'give equal bytes as %s, whatever the file times and modes',
    async (archiveFormat) => {
      const options = await mnist({ archiveFormat, sourceDate, force: true, marina: {} })
      const first = await pack(options)
      const bytes = await readFile(first.file)
      await utimes(at('src/model.pt'), 1, 1)
      await chmod(at('src/handler.py'), 0o600)
      const second = await pack(options)
      expect(bytes.equals(await readFile(second.file))).toBe(true)
      expect(second.sha256).toBe(await hashFile(second.file))
      expect(second.bytes).toBe(bytes.length)
    },
  )

  it('give equal bytes in every time zone', async () => {
    const options = await mnist({ sourceDate, force: true })
    const before = process.env['TZ']
    try {
      const sums = new Set<string>()
      for (const zone of ['UTC', 'Pacific/Apia', 'America/New_York']) {
        process.env['TZ'] = zone
        sums.add((await pack(options)).sha256)
      }
      expect(sums.size).toBe(1)
    } finally {
      if (before === undefined) delete process.env['TZ']
      else process.env['TZ'] = before
    }
  })

  it('take the date from SOURCE_DATE_EPOCH', async () => {
    process.env['SOURCE_DATE_EPOCH'] = '0'
    try {
      const { file } = await pack(await mnist())
      const archive = await openArchive(file)
      expect(archive.manifest.createdOn).toBe('01/01/1970 00:00:00')
      await archive.close()
      process.env['SOURCE_DATE_EPOCH'] = 'yesterday'
      await expect(pack(await mnist({ force: true }))).rejects.toThrow(/SOURCE_DATE_EPOCH is "yesterday"/)
    } finally {
      delete process.env['SOURCE_DATE_EPOCH']
    }
  })
})

describe('other forms', () => {
  it('a tgz has everything below one top folder, owned by nobody, and Python reads it', async () => {
    const long = `${'deep/'.repeat(40)}ünïcode.txt`
    const { file } = await pack(await mnist({ archiveFormat: 'tgz', members: [{ name: long, data: 'x' }] }))
    expect(file).toBe(at('out', 'mnist.tar.gz'))
    const script =
      'import sys,tarfile,json; print(json.dumps([[m.name,m.isfile(),m.uid,m.size] for m in tarfile.open(sys.argv[1])]))'
    expect(JSON.parse(python(script, file))).toEqual([
      [`mnist/${long}`, true, 0, 1],
      ['mnist/handler.py', true, 0, expect.any(Number)],
      ['mnist/index_to_name.json', true, 0, 2],
      ['mnist/model.pt', true, 0, 8000],
      ['mnist/MAR-INF/MANIFEST.json', true, 0, expect.any(Number)],
    ])
  })

  it('no-archive is a folder; with force it replaces the earlier one whole', async () => {
    const { file } = await pack(
      await mnist({ archiveFormat: 'no-archive', members: [{ name: 'old.txt', data: 'x' }] }),
    )
    expect(file).toBe(at('out', 'mnist'))
    await pack(await mnist({ archiveFormat: 'no-archive', force: true }))
    expect((await readdir(file)).sort()).toEqual(['MAR-INF', 'handler.py', 'index_to_name.json', 'model.pt'])
    expect(await readdir(at('out'))).toEqual(['mnist'])
  })
})

describe('members', () => {
  it('of a folder go to the root, its subfolders under their names, without caches and dot folders', async () => {
    for (const name of [
      'a.txt',
      '.env',
      'sub/b.txt',
      '.git/c',
      '__pycache__/d',
      'sub/__MACOSX/e',
      'sub/f.pyc',
    ])
      await put(`extra/${name}`)
    const { file } = await pack(await mnist({ extraFiles: [at('extra')], serializedFile: '' }))
    expect(zipNames(file)).toEqual([
      '.env',
      'a.txt',
      'handler.py',
      'sub/b.txt',
      'sub/f.pyc',
      'MAR-INF/MANIFEST.json',
    ])
  })

  it('may be given directly, and the options then refer to them', async () => {
    const { file } = await pack({
      modelName: 'embedding',
      version: '2.0',
      fileName: 'embedding-2.0',
      runtime: 'node',
      handler: 'handler.js',
      serializedFile: 'model.onnx',
      exportPath: folder,
      members: [
        { name: 'model.onnx', data: new Uint8Array(100) },
        { name: 'handler.js', data: 'export default {}' },
        { name: 'labels.json', file: await put('labels.json', '[]') },
      ],
    })
    expect(file).toBe(at('embedding-2.0.mar'))
    const archive = await openArchive(file)
    expect(archive.manifest.model).toEqual({
      modelName: 'embedding',
      modelVersion: '2.0',
      handler: 'handler.js',
      serializedFile: 'model.onnx',
    })
    expect(archive.members().map(({ name }) => name)).toContain('labels.json')
    await archive.close()
  })

  it('of one name from two files are refused naming both; the same file twice is one member', async () => {
    const [one, other] = [await put('x/same.txt', '1'), await put('y/same.txt', '2')]
    const colliding = await mnist({ extraFiles: [one, other] })
    await expect(pack(colliding)).rejects.toThrow(`"same.txt" in the archive: ${one} and ${other}`)
    const { file } = await pack({ ...colliding, collisions: 'last-wins' })
    const archive = await openArchive(file)
    expect((await archive.read('same.txt')).toString()).toBe('2')
    await archive.close()
    const twice = await mnist({ extraFiles: [at('src/handler.py'), one, one], force: true })
    expect(zipNames((await pack(twice)).file)).toEqual([
      'handler.py',
      'model.pt',
      'same.txt',
      'MAR-INF/MANIFEST.json',
    ])
  })

  it.each([
    '../x',
    '/x',
    'a\\b',
    'a\nb',
    'MAR-INF/MANIFEST.json',
    'MAR-INF/marina/files.json',
    'handler.py/x',
  ])('may not be called %j', async (name) => {
    await expect(pack(await mnist({ members: [{ name, data: '' }] }))).rejects.toMatchObject({
      code: 'misuse',
    })
  })

  it('of Marina come with the hash of each member', async () => {
    const { file } = await pack(
      await mnist({
        marina: {
          schema: {
            inputs: [{ name: 'body', kind: 'image', contentTypes: ['image/png'] }],
            outputs: [],
            operations: ['predict'],
          },
          examples: [
            {
              name: 'seven',
              file: '7.png',
              contentType: 'image/png',
              from: await put('7.png', 'png'),
              expect: { pred: 7 },
            },
          ],
          provenance: { git: { commit: 'abc', dirty: false }, metrics: { accuracy: 0.99 } },
        },
      }),
    )
    expect(zipNames(file).slice(0, 4)).toEqual([
      'MAR-INF/marina/examples.json',
      'MAR-INF/marina/examples/7.png',
      'MAR-INF/marina/provenance.json',
      'MAR-INF/marina/schema.json',
    ])
    expect(zipNames(file).slice(-2)).toEqual([FILES_MEMBER, 'MAR-INF/MANIFEST.json'])
    const archive = await openArchive(file)
    expect(archive.schema?.inputs[0]?.kind).toBe('image')
    expect(archive.examples?.requests).toEqual([
      { name: 'seven', file: '7.png', contentType: 'image/png', expect: { pred: 7 } },
    ])
    expect(archive.provenance).toEqual({ git: { commit: 'abc', dirty: false }, metrics: { accuracy: 0.99 } })
    await archive.close()
  })
})

describe('nothing is left behind', () => {
  it.each([
    ['a missing file', { serializedFile: '/nowhere/model.pt' }, /\/nowhere\/model\.pt: no such file/],
    ['a folder for a file', { requirementsFile: '/tmp' }, /\/tmp: is a folder/],
    ['a bad name', { modelName: '-x' }, /special characters/],
    [
      'a schema that does not hold',
      { marina: { schema: { inputs: [], outputs: [], operations: ['dance' as 'predict'] } } },
      /operations\[0\] must be one of predict, explain/,
    ],
  ] satisfies [string, Partial<PackOptions>, RegExp][])('by %s', async (_, more, message) => {
    const failure = await pack(await mnist(more)).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(MarinaError)
    expect(String(failure)).toMatch(message)
    expect(await readdir(at('out')).catch(() => [])).toEqual([])
  })

  it.each(['default', 'tgz', 'no-archive'] as const)(
    'by an abort while %s is written',
    async (archiveFormat) => {
      const abort = new AbortController()
      const big = await put('big.bin', new Uint8Array(8 << 20))
      const packing = pack(await mnist({ archiveFormat, extraFiles: [big], signal: abort.signal }))
      setImmediate(() => abort.abort())
      await expect(packing).rejects.toThrow(/abort/i)
      expect(await readdir(at('out')).catch(() => [])).toEqual([])
    },
  )

  it('and an existing output is refused, or replaced with force', async () => {
    const options = await mnist()
    await pack(options)
    await expect(pack(options)).rejects.toThrow(
      `${at('out', 'mnist.mar')} already exists.\nPlease specify --force/-f`,
    )
    await pack({ ...options, version: '2.0', force: true })
    expect(await readdir(at('out'))).toEqual(['mnist.mar'])
  })

  it('and of several who pack to one place without force exactly one wins', async () => {
    const options = await mnist()
    const results = await Promise.allSettled([1, 2, 3, 4].map((n) => pack({ ...options, version: `${n}` })))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await readdir(at('out'))).toEqual(['mnist.mar'])
  })

  it('and an export path that is a file is named', async () => {
    await expect(pack(await mnist({ exportPath: await put('plain') }))).rejects.toThrow(
      /Given export-path .*plain is not a directory/,
    )
  })
})

describe('a handler', () => {
  it.each([
    ['image_classifier', 'image_classifier', []],
    ['src/handler.py', 'handler.py', ['handler.py']],
    ['src/handler', 'handler', ['handler.py']],
    ['src/handler:fn', 'handler:fn', ['handler.py']],
    ['src/handler.py:fn', 'handler.py:fn', ['handler.py']],
  ])('given as %s is called %s', async (handler, name, files) => {
    const options = await mnist({ serializedFile: undefined, extraFiles: [] })
    const { file } = await pack({ ...options, handler: handler.replace('src/', `${at('src')}/`) })
    const archive = await openArchive(file)
    expect(archive.manifest.model.handler).toBe(name)
    expect(archive.members().map((member) => member.name)).toEqual([...files, 'MAR-INF/MANIFEST.json'])
    await archive.close()
  })

  it('of node is bundled into an ES module beside its map', async () => {
    const handler = await put('h/handler.ts', 'const answer: number = 42\nexport default { answer }\n')
    const { file } = await pack(await mnist({ handler, runtime: 'node' }))
    const archive = await openArchive(file)
    expect(archive.manifest).toMatchObject({ runtime: 'node', model: { handler: 'handler.mjs' } })
    expect((await archive.read('handler.mjs')).toString()).toContain('answer = 42')
    expect(JSON.parse((await archive.read('handler.mjs.map')).toString())).toMatchObject({
      sources: ['handler.ts'],
    })
    await archive.close()
  })

  it('of node that is a built-in name brings no file, and a .ts cannot go unbundled', async () => {
    const { file } = await pack(await mnist({ handler: 'onnx', runtime: 'node' }))
    expect(zipNames(file)).not.toContain('onnx')
    await expect(
      pack(await mnist({ handler: at('h.ts'), runtime: 'node', bundle: false, force: true })),
    ).rejects.toThrow(/TypeScript cannot run as it is/)
  })
})

describe('links', () => {
  it('are followed, and a link to a folder above is refused', async () => {
    await put('extra/a.txt', 'a')
    await put('weights.bin', 'w')
    await symlink(at('weights.bin'), at('extra/linked.bin'))
    const { file } = await pack(await mnist({ extraFiles: [at('extra')] }))
    expect(python('import sys,zipfile; print(zipfile.ZipFile(sys.argv[1]).read("linked.bin"))', file)).toBe(
      "b'w'",
    )
    await symlink(at('extra'), at('extra/loop'))
    await expect(pack(await mnist({ extraFiles: [at('extra')], force: true }))).rejects.toThrow(
      /loop: is a link to a folder above/,
    )
    expect((await stat(file)).isFile()).toBe(true)
  })
})

describe('a writer', () => {
  const member = { name: 'a', bytes: 8 << 20, mode: 0o644, modified: new Date(0), stored: false }
  const body = (pieces: number) => dataBody(randomBytes(pieces << 20))

  it.each([
    ['zip', (file: FileHandle) => zipWriter(file, { utc: true })],
    ['tar', (file: FileHandle) => tarWriter(file, { topFolder: 'm' })],
  ] as const)('of %s fails when its file cannot be written', async (_, writerOf) => {
    const file = await open(await put('read-only'), 'r')
    const writer = writerOf(file)
    await expect(writer.add(member, body(8)).then(() => writer.finish())).rejects.toThrow(/EBADF/)
    writer.discard()
    await file.close()
  })

  it('of tar, whose header comes first, refuses a body of another size', async () => {
    const file = await open(at('m.tar.gz'), 'w')
    const writer = tarWriter(file, { topFolder: 'm' })
    await expect(writer.add(member, body(7))).rejects.toThrow(/a: changed its size while it was packed/)
    writer.discard()
    await file.close()
  })

  it.each([
    ['of sizes and offsets', { bytes: 1000, members: 65_535 }],
    ['of the number of members', { bytes: 2 ** 32 - 1, members: 3 }],
    ['of both', { bytes: 0, members: 0 }],
  ])('of zip writes the wide records %s so that Python, unzip and Marina read them', async (_, zip64From) => {
    const file = await open(at('wide.mar'), 'w')
    const writer = zipWriter(file, { utc: true, zip64From })
    const contents = new Map(['a', 'b', 'c', 'd'].map((name, n) => [name, randomBytes(900 + 100 * n)]))
    for (const [name, data] of contents)
      await writer.add(
        { name, bytes: data.length, mode: 0o644, modified: new Date(0), stored: name < 'c' },
        dataBody(data),
      )
    await writer.finish()
    await file.close()
    expect((await readFile(at('wide.mar'))).includes('PK\x06\x06')).toBe(true)
    expect(zipNames(at('wide.mar'))).toEqual(['a', 'b', 'c', 'd'])
    expect(python('import sys,zipfile; print(zipfile.ZipFile(sys.argv[1]).testzip())', at('wide.mar'))).toBe(
      'None',
    )
    expect(execFileSync('unzip', ['-tq', at('wide.mar')], { encoding: 'utf8' })).toContain(
      'No errors detected',
    )
    const archive = await openArchive(at('wide.mar'))
    for (const [name, data] of contents) expect((await archive.read(name)).equals(data)).toBe(true)
    await archive.close()
  })
})

describe('a zip64 file of Python', () => {
  it('is read: wide sizes forced on a small member, and a data descriptor behind it', async () => {
    const script = `
import sys, zipfile
class Pipe:  # cannot seek: sizes come after the member
    def __init__(self, file): self.file = file
    def write(self, data): return self.file.write(data)
    def flush(self): self.file.flush()
with open(sys.argv[1], 'wb') as file, zipfile.ZipFile(Pipe(file), 'w') as out:
    for name, method in (('stored.bin', 0), ('deflated.bin', 8)):
        info = zipfile.ZipInfo(name); info.compress_type = method
        with out.open(info, 'w', force_zip64=True) as member: member.write(b'weights ' * 1000)`
    python(script, at('python.mar'))
    const archive = await openArchive(at('python.mar'))
    for (const name of ['stored.bin', 'deflated.bin'])
      expect((await archive.read(name)).toString()).toBe('weights '.repeat(1000))
    await archive.close()
  })
})

describe('a large file', () => {
  it('is digested in a thread: hash and CRC are those of its bytes, in every form', async () => {
    const weights = randomBytes(17 << 20)
    const serializedFile = await put('src/big.pt', weights)
    for (const archiveFormat of ['default', 'zip-store', 'tgz', 'no-archive'] as const) {
      const { file, sha256 } = await pack(
        await mnist({ serializedFile, archiveFormat, marina: {}, force: true }),
      )
      expect(await verify(file)).toEqual([])
      const archive = await openArchive(file)
      expect((await archive.read('big.pt')).equals(weights)).toBe(true)
      await archive.close()
      if (archiveFormat !== 'no-archive')
        expect(sha256).toBe(
          createHash('sha256')
            .update(await readFile(file))
            .digest('hex'),
        )
    }
  })

  it('tells how far the packing is', async () => {
    const serializedFile = await put('src/big.pt', randomBytes(3 << 20))
    const seen: Progress[] = []
    await pack(await mnist({ serializedFile, onProgress: (progress) => seen.push(progress) }))
    const total = seen[0]?.total ?? 0
    expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).toSorted((a, b) => a - b))
    expect(seen.filter(({ member }) => member === 'big.pt')).toHaveLength(3)
    expect(seen.at(-1)).toEqual({ member: 'MAR-INF/MANIFEST.json', done: total, total })
  })
})
