/** The real command: what no recorded case can show, and the options that are Marina's own. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openArchive } from '../archive/open-archive.js'

const command = fileURLToPath(new URL('../../bin/torch-model-archiver.js', import.meta.url))
const BASE = ['--model-name', 'm', '--version', '1.0', '--handler', 'handler.py']

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'marina-archiver-'))
  put('handler.py')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function put(name: string, text = `${name}\n`): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

function run(words: readonly string[], env: Record<string, string> = {}) {
  const done = spawnSync(process.execPath, [command, ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  return { exit: done.status, stdout: done.stdout, stderr: done.stderr }
}

async function membersOf(file: string) {
  const archive = await openArchive(join(folder, file))
  try {
    return archive.members().map(({ name }) => name)
  } finally {
    await archive.close()
  }
}

const silent = { exit: 0, stdout: '', stderr: '' }

describe('the command as it is installed', () => {
  it('packs without a word, and prints its help', async () => {
    expect(run(BASE)).toEqual(silent)
    expect(await membersOf('m.mar')).toEqual(['handler.py', 'MAR-INF/MANIFEST.json'])
    expect(run(['-h']).stdout).toMatch(/^usage: torch-model-archiver \[-h\] --model-name MODEL_NAME\n/)
  })

  it('ends with 2 when it is misused and with 1 when it fails, on stderr', () => {
    const misused = run(['--model', 'm'])
    expect(misused).toMatchObject({ exit: 2, stdout: '' })
    expect(misused.stderr).toMatch(
      /error: ambiguous option: --model could match --model-name, --model-file\n$/,
    )
    const failed = run([...BASE, '--serialized-file', 'nope.pt'])
    expect(failed).toEqual({
      exit: 1,
      stdout: '',
      stderr:
        'Traceback (most recent call last):\n' +
        "FileNotFoundError: [Errno 2] No such file or directory: 'nope.pt'\n",
    })
    expect(readdirSync(folder)).toEqual(['handler.py'])
  })

  it('keeps what it packs into the temporary folder, where the original deletes it', () => {
    const words = [...BASE, '--archive-format', 'no-archive', '--export-path', folder]
    expect(run(words, { TMPDIR: folder })).toEqual(silent)
    expect(readdirSync(join(folder, 'm')).sort()).toEqual(['MAR-INF', 'handler.py'])
  })

  it('gives the same bytes for the same files when SOURCE_DATE_EPOCH is set', async () => {
    const sums = ['a', 'b'].map((name) => {
      utimesSync(join(folder, 'handler.py'), name.charCodeAt(0), 1e9)
      expect(run([...BASE, '-f'], { SOURCE_DATE_EPOCH: '1700000000' }).exit).toBe(0)
      return spawnSync('sha256sum', ['m.mar'], { cwd: folder, encoding: 'utf8' }).stdout
    })
    expect(sums[0]).toBe(sums[1])
    await expect(membersOf('m.mar')).resolves.toHaveLength(2)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'stopped by %s ends with %i and leaves the earlier output and nothing else',
    async (signal, exit) => {
      put('m.mar', 'the earlier one')
      truncateSync(put('weights.pt'), 2 ** 33) // 8 GiB of nothing: longer than any test waits
      const child = spawn(process.execPath, [command, ...BASE, '-f', '--serialized-file', 'weights.pt'], {
        cwd: folder,
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      await once(child.stderr, 'data') // "Overwriting …": everything is checked and packing begins
      child.kill(signal)
      const [code] = (await once(child, 'exit')) as [number]
      expect(code).toBe(exit)
      expect(readdirSync(folder).sort()).toEqual(['handler.py', 'm.mar', 'weights.pt'])
      expect(spawnSync('cat', ['m.mar'], { cwd: folder, encoding: 'utf8' }).stdout).toBe('the earlier one')
    },
  )
})

describe("Marina's own options", () => {
  it('--keep-tree packs a folder as it is, and merges folders of one name', async () => {
    for (const name of ['a/x.txt', 'a/sub/y.txt', 'b/a/z.txt', 'b/w.txt', 'a/.git/config']) put(name)
    expect(run([...BASE, '--extra-files', 'a/,b/a', '--keep-tree'])).toEqual(silent)
    expect(await membersOf('m.mar')).toEqual([
      'a/sub/y.txt',
      'a/x.txt',
      'a/z.txt',
      'handler.py',
      'MAR-INF/MANIFEST.json',
    ])
  })

  it('--no-collisions names both files of one name, and takes one file given twice', async () => {
    for (const name of ['a/labels.json', 'b/labels.json']) put(name)
    const refused = run([...BASE, '--extra-files', 'a/labels.json,b/labels.json', '--no-collisions'])
    expect(refused.exit).toBe(1)
    expect(refused.stderr).toContain(
      "Two files would become 'labels.json' in the archive: a/labels.json and b/labels.json",
    )
    expect(run([...BASE, '--extra-files', 'a/labels.json,./a/labels.json', '--no-collisions'])).toEqual(
      silent,
    )
    expect(await membersOf('m.mar')).toContain('labels.json')
  })

  it('--store-weights stores weights and deflates the rest', () => {
    put('model.pt', 'weights '.repeat(1000))
    expect(run([...BASE, '--serialized-file', 'model.pt', '--store-weights'])).toEqual(silent)
    const script =
      'import sys,zipfile; print({i.filename: i.compress_type for i in zipfile.ZipFile("m.mar").infolist()})'
    const methods = spawnSync('python3', ['-c', script], { cwd: folder, encoding: 'utf8' }).stdout
    expect(methods).toContain("'handler.py': 8, 'model.pt': 0")
  })

  it('are known only when written out, so that the original’s prefixes stay what they were', async () => {
    put('model.pt')
    expect(run([...BASE, '--s', 'model.pt'])).toEqual(silent)
    expect(await membersOf('m.mar')).toContain('model.pt')
    expect(run([...BASE, '-f', '--keep']).stderr).toContain('unrecognized arguments: --keep')
    expect(run(['--help']).stdout).not.toContain('keep-tree')
  })

  it('an unpacked archive of Marina’s is packed again without hashes that no longer hold', async () => {
    for (const name of ['MANIFEST.json', 'marina/files.json', 'notes.txt']) put(`old/MAR-INF/${name}`)
    const { exit, stderr } = run([...BASE, '--extra-files', 'old'])
    expect(exit).toBe(0)
    expect(stderr).toBe(
      'WARNING - MAR-INF/marina/ describes the archive that it was unpacked from; left out\n',
    )
    expect(await membersOf('m.mar')).toEqual(['MAR-INF/notes.txt', 'handler.py', 'MAR-INF/MANIFEST.json'])
  })
})
