/** Archives beyond the narrow fields of zip, in earnest: over 65,535 members, and over 4 GiB. `npm run long`; takes 10 GB of disk. */
import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inspect, openArchive, pack, verify, type PackOptions } from '../../src/archive/index.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-long-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const options = (more: Partial<PackOptions>): PackOptions => ({
  modelName: 'long',
  version: '1',
  handler: 'image_classifier',
  exportPath: folder,
  marina: {},
  ...more,
})

const python = (script: string, file: string) =>
  execFileSync('python3', ['-c', `import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); ${script}`, file], {
    encoding: 'utf8',
  }).trim()

describe('an archive', () => {
  it('of 70,000 members is packed, verified, and read by Python', async () => {
    const members = Array.from({ length: 70_000 }, (_, at) => ({ name: `f${at % 100}/${at}`, data: `${at}` }))
    const { file } = await pack(options({ members }))
    expect(await verify(file)).toEqual([])
    expect(python('print(len(z.namelist()), z.read("f99/69999").decode())', file)).toBe('70002 69999')
  })

  it('over 4 GiB is packed in bounded memory, inspected, unpacked, and read by Python', async () => {
    const weights = join(folder, 'weights.pt')
    const bytes = 4400 * 2 ** 20
    const handle = openSync(weights, 'w')
    ftruncateSync(handle, bytes)
    writeSync(handle, 'the end', bytes - 7)
    closeSync(handle)
    const before = process.memoryUsage.rss()
    const { file } = await pack(options({ serializedFile: weights }))
    expect(process.memoryUsage.rss() - before).toBeLessThan(150e6)
    expect((await stat(file)).size).toBeGreaterThan(bytes)
    expect((await inspect(file)).members.map(({ bytes }) => bytes)).toContain(bytes)
    const script =
      'm=z.open("weights.pt"); m.seek(-7, 2); print(z.getinfo("weights.pt").file_size, m.read().decode())'
    expect(python(script, file)).toBe(`${bytes} the end`)
    const archive = await openArchive(file)
    await archive.extractTo(join(folder, 'out'))
    await archive.close()
    expect((await stat(join(folder, 'out', 'weights.pt'))).size).toBe(bytes)
  })
})
