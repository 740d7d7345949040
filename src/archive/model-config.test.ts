/** The configuration inside an archive: YAML 1.1 as the original's readers take it, and nothing that could do harm. */
import { describe, expect, it } from 'vitest'
import { parseModelConfig } from './model-config.js'

const parse = (text: string) => parseModelConfig(text, 'model-config.yaml')

describe('model-config.yaml', () => {
  it('is YAML 1.1: booleans, octals, base 60, the later of two equal keys', async () => {
    const text = 'a: yes\nb: 010\nc: 1_000\nd: 1:30\ne: off\nf: 0x10\ng: 1\ng: 2\n'
    expect(await parse(text)).toEqual({ a: true, b: 8, c: 1000, d: 90, e: false, f: 16, g: 2 })
  })

  it('may be empty, a list or a scalar; what that means is the reader’s to say', async () => {
    expect(await parse('')).toBeNull()
    expect(await parse('[1, 2]')).toEqual([1, 2])
  })

  it.each([
    ['an object of Python', 'a: !!python/object/apply:os.system ["echo harm"]'],
    ['an object of Java', 'a: !!javax.script.ScriptEngineManager [x]'],
    ['a JavaScript function', 'a: !!js/function "function () {}"'],
    ['a tag of its own', 'a: !mine 1'],
    ['what is no YAML', 'a: [1'],
    ['deep nesting', '['.repeat(10_000)],
    ['nesting that is closed', '['.repeat(100) + ']'.repeat(100)],
    ['lists within lists on one line', '-\t'.repeat(60_000)],
    ['lists with anchors between', '- &a '.repeat(20_000)],
    ['indentation that never ends', Array.from({ length: 500 }, (_, at) => `${' '.repeat(at)}a:`).join('\n')],
    ['a megabyte', `a: ${'x'.repeat(1 << 20)}`],
    [
      'aliases that multiply',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'abcdefgh'.replace(/./g, (key) => {
        const next = String.fromCharCode(key.charCodeAt(0) + 1)
        return `${next}: &${next} [${Array(9).fill(`*${key}`).join(',')}]\n`
      })}`,
    ],
  ])('with %s is refused by name', async (_, text) => {
    await expect(parse(text)).rejects.toMatchObject({
      code: 'invalid-archive',
      message: expect.stringMatching(/^member "model-config\.yaml": is/) as string,
    })
  })

  it('with __proto__ keys changes no prototype', async () => {
    const value = await parse('__proto__: {polluted: 1}\nconstructor: {prototype: {polluted: 1}}\n')
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor'])
  })
})
