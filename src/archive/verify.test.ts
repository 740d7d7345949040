/** Show 4: a byte flipped anywhere in an archive is found, and the member is named. */
import { createHash } from 'node:crypto'
import { appendFile, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MarinaError } from '../errors.js'
import { hashOf } from './file-hash.js'
import { verify } from './file-hashes.js'
import { pack } from './pack.js'
import type { ArchiveFormat } from './pack-options.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-verify-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function archive(archiveFormat: ArchiveFormat): Promise<string> {
  const tool = join(folder, 'tool.sh')
  await writeFile(tool, '#!/bin/sh\n')
  await chmod(tool, 0o751)
  const { file } = await pack({
    modelName: 'm',
    version: '1.0',
    handler: 'image_classifier',
    archiveFormat,
    extraFiles: [tool],
    members: [
      { name: 'weights.onnx', data: createHash('sha512').update('x').digest() },
      { name: 'deep/labels.txt', data: 'zero one two three '.repeat(10) },
    ],
    marina: { provenance: { metrics: { accuracy: 0.99 } } },
    exportPath: join(folder, 'out'),
  })
  return file
}

/** What verify says, as one text; empty when it finds nothing. */
async function verdict(file: string): Promise<string> {
  try {
    return (await verify(file)).map(({ message }) => message).join('\n')
  } catch (error) {
    expect(error).toBeInstanceOf(MarinaError)
    expect(error).toMatchObject({ code: 'invalid-archive' })
    return (error as MarinaError).message
  }
}

/** Puts each byte of the file back after looking at what verify says of it with that byte inverted. */
async function flippedVerdicts(file: string): Promise<string[]> {
  const good = await readFile(file)
  const verdicts: string[] = []
  for (let at = 0; at < good.length; at++) {
    const bad = Buffer.from(good)
    bad[at]! ^= 0xff
    await writeFile(file, bad)
    verdicts.push(await verdict(file))
  }
  return verdicts
}

const members = [
  'deep/labels.txt',
  'tool.sh',
  'weights.onnx',
  'MAR-INF/marina/provenance.json',
  'MAR-INF/marina/files.json',
  'MAR-INF/MANIFEST.json',
]

describe('a byte flipped anywhere', () => {
  it.each(['default', 'zip-store'] as const)('in a %s archive names the member', async (format) => {
    const file = await archive(format)
    expect(await verify(file)).toEqual([])
    const verdicts = await flippedVerdicts(file)
    // The last 22 bytes belong to no member, and the first two tell that it is a zip at all.
    const ofMembers = verdicts.slice(2, -22)
    const silent = ofMembers.flatMap((text, at) =>
      members.some((member) => text.includes(member)) || /its directory is damaged (after|at)/.test(text)
        ? []
        : [`${at + 2}: ${text}`],
    )
    expect(silent).toEqual([])
    expect(verdicts.filter((text) => text === '')).toEqual([])
  })

  it('in a tarball is found', async () => {
    const file = await archive('tgz')
    expect(await verify(file)).toEqual([])
    expect((await flippedVerdicts(file)).filter((text) => text === '')).toEqual([])
  })

  it('in the weights of a tarball names them, though only the checksum of the whole is wrong', async () => {
    const weights = Buffer.from(Array.from({ length: 200 }, (_, i) => hashOf(String(i))).join(''), 'hex')
    const { file } = await pack({
      modelName: 'm',
      version: '1.0',
      handler: 'image_classifier',
      archiveFormat: 'tgz',
      members: [{ name: 'weights.onnx', data: weights }],
      marina: {},
      exportPath: folder,
    })
    const good = await readFile(file)
    // They are most of the file.
    for (const offset of [-1000, -1, 0, 1, 1000]) {
      const bad = Buffer.from(good)
      bad[(good.length >> 1) + offset]! ^= 0x10
      await writeFile(file, bad)
      expect(await verdict(file)).toMatch(/\(the damage is in "weights\.onnx"\)$/)
    }
    // gzip's own length, at the very end.
    good[good.length - 1]! ^= 0xff
    await writeFile(file, good)
    expect(await verdict(file)).toMatch(/every member is as it was packed/)
  })
})

describe('verify', () => {
  it('finds bytes behind the end of a zip', async () => {
    const file = await archive('default')
    await appendFile(file, '\0\0')
    expect(await verdict(file)).toMatch(/m\.mar/)
  })

  it('finds changed permission bits, which the bytes of no member show', async () => {
    const file = await archive('default')
    const bytes = await readFile(file)
    const directory = bytes.lastIndexOf('tool.sh')
    bytes[directory - 5] = 0o777 >> 8
    bytes[directory - 6] = 0o777 & 0xff
    await writeFile(file, bytes)
    const findings = await verify(file)
    expect(findings.map(({ kind, member }) => [kind, member])).toEqual([['header', 'tool.sh']])
  })

  it('of a folder finds changed, missing and added files', async () => {
    const file = await archive('no-archive')
    expect(await verify(file)).toEqual([])
    await writeFile(join(file, 'tool.sh'), 'other')
    await writeFile(join(file, 'new.txt'), '')
    await rm(join(file, 'weights.onnx'))
    const findings = await verify(file)
    expect(findings.map(({ kind, member }) => [kind, member]).sort()).toEqual([
      ['added', 'new.txt'],
      ['changed', 'tool.sh'],
      ['missing', 'weights.onnx'],
    ])
  })

  it('of an archive without hashes says so', async () => {
    const { file } = await pack({
      modelName: 'plain',
      version: '1',
      handler: 'image_classifier',
      exportPath: folder,
    })
    expect((await verify(file)).map(({ kind }) => kind)).toEqual(['no-hashes'])
  })

  it('tells how far it is', async () => {
    const file = await archive('default')
    const seen: number[] = []
    await verify(file, { onProgress: ({ done, total }) => seen.push(done / total) })
    expect(seen).toHaveLength(members.length)
    expect(seen.at(-1)).toBe(1)
  })
})
