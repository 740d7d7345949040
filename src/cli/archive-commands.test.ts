/** The archive's commands as processes: what they print, how they end, and what they leave. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, watch, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { verify } from '../archive/index.js'

const marina = fileURLToPath(new URL('../../bin/marina.js', import.meta.url))
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-commands-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))
const at = (...steps: string[]) => join(folder, ...steps)

function start(words: readonly string[], cwd: string) {
  const env = { ...process.env, NO_COLOR: '1', SOURCE_DATE_EPOCH: '1700000000' }
  const child = spawn(process.execPath, [marina, ...words], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  const ended = once(child, 'close').then(([code]) => ({
    code: code as number,
    stdout: Buffer.concat(out).toString(),
    stderr: Buffer.concat(err).toString(),
  }))
  return { child, ended }
}

const run = (...words: string[]) => start(words, folder).ended

/** A project that answers with the number of bytes it got. */
async function project(name: string, factor = 1): Promise<string> {
  const root = at(name)
  await mkdir(join(root, 'examples'), { recursive: true })
  const files = {
    'package.json': JSON.stringify({ name: '@team/digits', version: `${factor}.0.0` }),
    'handler.ts': `import { defineHandler, mainPart } from 'marina'
      export default defineHandler({
        inference: (_rows, _state, jobs) => jobs.map((job) => ({ bytes: ${factor} * (mainPart(job)?.data.length ?? 0) })),
      })`,
    'labels.json': '["a", "b"]',
    'README.md': 'not packed',
    'schema.json': JSON.stringify({
      inputs: [{ name: 'body', kind: 'text', contentTypes: ['text/plain'] }],
      outputs: [{ name: 'bytes', type: 'integer', role: 'answer' }],
      operations: ['predict'],
    }),
    'examples/short.txt': 'abc',
    'examples/short.txt.expect.json': JSON.stringify({ bytes: 3 * factor }),
  }
  for (const [file, text] of Object.entries(files)) await writeFile(join(root, file), text)
  return root
}

describe('marina archive', () => {
  it('packs a project folder without flags: handler bundled, data, schema, examples, name and version', async () => {
    const root = await project('digits')
    await writeFile(join(root, 'model.onnx'), randomBytes(100))
    const packed = await run('archive', 'digits', '--json')
    expect(packed).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(packed.stdout)).toMatchObject({
      modelName: 'digits',
      version: '1.0.0',
      file: at('digits.mar'),
    })
    const inspected = await run('inspect', 'digits.mar', '--json')
    const inspection = JSON.parse(inspected.stdout) as {
      members: { name: string; sha256?: string }[]
      manifest: { model: object }
      examples: object
      provenance: { command: string }
      findings: string[]
    }
    expect(inspection.members.map(({ name }) => name)).toEqual([
      'MAR-INF/marina/examples.json',
      'MAR-INF/marina/examples/short.txt',
      'MAR-INF/marina/provenance.json',
      'MAR-INF/marina/schema.json',
      'handler.mjs',
      'handler.mjs.map',
      'labels.json',
      'model.onnx',
      'MAR-INF/marina/files.json',
      'MAR-INF/MANIFEST.json',
    ])
    expect(inspection.manifest.model).toMatchObject({ handler: 'handler.mjs', serializedFile: 'model.onnx' })
    expect(inspection.examples).toEqual({
      requests: [
        {
          name: 'short',
          file: 'short.txt',
          contentType: 'text/plain',
          expect: { bytes: 3 },
          tolerance: 0.001,
        },
      ],
    })
    expect(inspection.provenance.command).toBe('marina archive digits')
    expect(inspection.findings).toEqual([expect.stringMatching(/^model\.onnx cannot be read as ONNX/)])
  })

  it('gives equal bytes from two folders at different times', async () => {
    await project('one/digits')
    await project('two/digits')
    for (const place of ['one', 'two'])
      expect(await run('archive', at(place, 'digits'), '--export-path', at(place))).toMatchObject({ code: 0 })
    const [one, two] = [await readFile(at('one', 'digits.mar')), await readFile(at('two', 'digits.mar'))]
    expect(one.equals(two)).toBe(true)
  })

  it('takes the options of torch-model-archiver, stores weights, and says what is missing', async () => {
    await writeFile(at('model.pt'), 'weights '.repeat(1000))
    await writeFile(at('handler.py'), 'def handle(data, context): ...\n')
    const options = [
      '--model-name',
      'm',
      '-v',
      '1.0',
      '--serialized-file',
      'model.pt',
      '--handler',
      'handler.py',
    ]
    expect(await run('archive', ...options)).toMatchObject({ code: 0 })
    expect((await readFile(at('m.mar'))).includes('weights weights')).toBe(true)
    const again = await run('archive', ...options)
    expect(again.code).toBe(2)
    expect(again.stderr).toMatch(/m\.mar already exists\..*--force/s)
    const missing = await run('archive', '--handler', 'handler.py')
    expect(missing).toMatchObject({ code: 2, stdout: '' })
    expect(missing.stderr).toMatch(/--model-name, --version: missing/)
  })

  it('that is interrupted by Ctrl-C leaves nothing and ends with 1', async () => {
    // Sparse, so that it takes no room: packing it would take seconds.
    const weights = openSync(at('model.pt'), 'w')
    ftruncateSync(weights, 8_000_000_000)
    closeSync(weights)
    const words = ['archive', '--model-name', 'm', '-v', '1', '--handler', 'image_classifier']
    await mkdir(at('out'))
    const written = watch(at('out'))[Symbol.asyncIterator]().next()
    const { child, ended } = start(
      [...words, '--serialized-file', 'model.pt', '--export-path', 'out'],
      folder,
    )
    await Promise.race([written, ended])
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/Stopped by SIGINT\. Nothing was written\./)
    expect(await readdir(at('out'))).toEqual([])
  })
})

describe('marina verify', () => {
  it('says ok, or which member is not as packed, by exit code and JSON', async () => {
    await project('digits')
    await run('archive', 'digits')
    expect(await run('verify', 'digits.mar')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ok /) as string,
    })
    const bytes = await readFile(at('digits.mar'))
    bytes[bytes.indexOf('labels.json') + 'labels.json'.length + 2]! ^= 0xff
    await writeFile(at('digits.mar'), bytes)
    const bad = await run('verify', 'digits.mar', '--json')
    expect(bad.code).toBe(1)
    const { ok, findings } = JSON.parse(bad.stdout) as { ok: boolean; findings: { member: string }[] }
    expect(ok).toBe(false)
    expect(new Set(findings.map(({ member }) => member))).toEqual(new Set(['labels.json']))
  })
})

describe('marina unpack', () => {
  it('writes the files into a new folder, which still verifies, and refuses an old one', async () => {
    await project('digits')
    await run('archive', 'digits', '--export-path', 'out')
    const unpacked = await run('unpack', 'out/digits.mar', '--to', 'there', '--json')
    expect(JSON.parse(unpacked.stdout)).toMatchObject({ folder: at('there'), files: 9 })
    expect(await verify(at('there'))).toEqual([])
    const again = await run('unpack', 'out/digits.mar', '--to', 'there')
    expect(again.code).toBe(2)
    expect(again.stderr).toMatch(/exists already/)
    expect((await readdir(folder)).sort()).toEqual(['digits', 'out', 'there'])
  })
})

describe('marina diff', () => {
  it('is readable in ten lines, and with --run compares the answers of both', async () => {
    await project('one/digits', 1)
    await project('two/digits', 2)
    for (const place of ['one', 'two']) await run('archive', at(place, 'digits'), '--export-path', at(place))
    const [one, two] = [at('one', 'digits.mar'), at('two', 'digits.mar')]
    const { code, stdout, stderr } = await run('diff', '--run', one, two)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(10)
    expect(lines[0]).toBe('digits 1.0.0 → digits 2.0.0')
    expect(stdout).toMatch(/^manifest +model\.modelVersion 1\.0\.0 → 2\.0\.0$/m)
    expect(stdout).toMatch(/^files +handler\.mjs /m)
    expect(stdout).toMatch(/^answers +0 of 1 examples agree; short: bytes 3 → 6 \(\+3\)$/m)
    expect(stdout).toMatch(/^equal +requirements, models, metrics/m)
    expect(await run('diff', '--exit-code', one, one)).toMatchObject({ code: 0 })
    expect(await run('diff', '--exit-code', one, two)).toMatchObject({ code: 1, stderr: '' })
  })
})

it('each command has help with examples', async () => {
  for (const command of ['archive', 'inspect', 'verify', 'unpack', 'diff']) {
    const { code, stdout } = await run(command, '--help')
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`Examples:\\n  marina ${command}`))
  }
})

it('an archive that is none is refused by every command with exit code 1', async () => {
  await writeFile(at('text.mar'), 'this is no archive')
  for (const words of [['inspect'], ['verify'], ['unpack'], ['diff', 'text.mar']]) {
    const { code, stderr } = await run(...words, 'text.mar')
    expect(code).toBe(1)
    expect(stderr).toMatch(/text\.mar: is neither a zip file/)
  }
})
