/** Bundled handlers, run by a real Node process far from their dependencies. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bundleHandler } from './bundle-handler.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-bundle-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function put(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  return path
}

async function run(code: string): Promise<string> {
  const file = await put('elsewhere/handler.mjs', code)
  const script = `import(${JSON.stringify(file)}).then((m) => console.log(JSON.stringify(m.default)))`
  // As a module: a script given by -e has a global `require`, which a worker has not.
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim()
}

describe('a bundle', () => {
  it('holds the dependencies, ES modules and CommonJS alike, and runs far from them', async () => {
    await put(
      'node_modules/left/index.js',
      `const path = require('path'); module.exports = (s) => path.basename(s)`,
    )
    await put('src/right.ts', `export const right: string = 'R'`)
    const entry = await put(
      'src/handler.ts',
      `import left from 'left'\nimport { right } from './right.js'\nimport { createRequire } from 'node:module'
       const require = createRequire(import.meta.url)
       export default { left: left('/a/L'), right, version: typeof require('node:fs').readFileSync }`,
    )
    const { code } = await bundleHandler(entry)
    expect(await run(code)).toBe('{"left":"L","right":"R","version":"function"}')
  })

  it('leaves what the host brings to the host', async () => {
    const entry = await put(
      'handler.ts',
      `import { defineHandler } from 'marina'\nimport { x } from 'marina/vector'\nimport sharp from 'sharp'\nimport * as ort from 'onnxruntime-node'\nimport u from 'usearch'
       export default [defineHandler, x, sharp, ort, u]`,
    )
    const { code } = await bundleHandler(entry)
    for (const module of ['marina', 'marina/vector', 'sharp', 'onnxruntime-node', 'usearch'])
      expect(code).toMatch(new RegExp(`from "${module}"`))
  })

  it('has a map to the sources, relative to the handler, and is the same wherever the project lies', async () => {
    const source = `export const one = 1\nexport default { one }\n`
    const a = await bundleHandler(await put('a/handler.ts', source))
    const b = await bundleHandler(await put('b/deeper/handler.ts', source))
    expect(a).toEqual(b)
    expect(JSON.parse(a.sourceMap)).toMatchObject({ sources: ['handler.ts'], sourcesContent: [source] })
    expect(a.code).toMatch(/\/\/# sourceMappingURL=handler\.mjs\.map\n$/)
  })
})

describe('a handler that cannot be bundled is refused', () => {
  it('with file, line and column of each error', async () => {
    const entry = await put(
      'handler.ts',
      `import a from './missing.js'\n  import b from 'not-installed'\nexport default [a, b]\n`,
    )
    await expect(bundleHandler(entry)).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringMatching(
        new RegExp(
          `^${entry}:1:15: Could not resolve "\\./missing\\.js"\n${entry}:2:17: Could not resolve "not-installed"`,
        ),
      ) as string,
    })
    await expect(bundleHandler(await put('broken.ts', 'export default {'))).rejects.toThrow(
      /broken\.ts:1:17: /,
    )
  })

  it('when there is none', async () => {
    await expect(bundleHandler(join(folder, 'none.ts'))).rejects.toThrow(/none\.ts/)
  })

  it('when it has no default export', async () => {
    await expect(bundleHandler(await put('handler.ts', 'export const handler = 1'))).rejects.toThrow(
      /no default export/,
    )
  })

  it.each([
    [
      '@scope/native',
      `import native from '@scope/native'\nexport default native`,
      `module.exports = require('./build/native.node')`,
    ],
    [
      'found-at-run-time',
      `import native from 'found-at-run-time'\nexport default native`,
      `module.exports = require('bindings')('x.node')`,
    ],
  ])('when it needs the native module %s', async (name, handler, index) => {
    await put(`node_modules/${name}/index.js`, index)
    await put(`node_modules/${name}/build/native.node`, '\u007fELF')
    await put('node_modules/bindings/index.js', 'module.exports = () => ({})')
    const entry = await put('handler.ts', handler)
    await expect(bundleHandler(entry)).rejects.toThrow(`the native module ${name} cannot be packed`)
  })
})
