import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { curlOf, type Part } from '../dashboard/parts.js'

const picture: Part = {
  name: 'data',
  data: new Blob(['x']),
  contentType: 'image/png',
  fileName: 'drawing.png',
}
const text: Part = { name: 'body', data: "it's", contentType: 'text/plain' }
const url = 'http://localhost:8080/predictions/m/1.0'

/** The words that a shell makes of a line, `curl` printing its arguments instead of sending. */
const wordsOf = (line: string): string[] =>
  execFileSync('sh', ['-c', `curl() { for word; do printf '%s\\0' "$word"; done; }\n${line}`], {
    encoding: 'utf8',
  })
    .split('\0')
    .slice(0, -1)

describe('the curl line of a request', () => {
  it('reads a drawing from the file under which it is saved', () => {
    expect(wordsOf(curlOf(url, [picture]))).toEqual([
      url,
      '-H',
      'Content-Type: image/png',
      '--data-binary',
      '@drawing.png',
    ])
  })

  it('fetches a stored example from the server itself', () => {
    const stored = { ...picture, url: 'http://localhost:8080/page/models/m/1.0/examples/7.png' }
    expect(curlOf(url, [stored])).toMatch(/^curl -s \S+7\.png \|\ncurl /)
  })

  it('sends named parts as a form', () => {
    const line = curlOf(url, [
      { ...picture, name: 'left' },
      { ...text, name: 'note' },
    ])
    expect(wordsOf(line)).toEqual([
      url,
      '-F',
      'left=@drawing.png;type=image/png',
      '--form-string',
      "note=it's",
    ])
  })

  it('reaches curl word for word, whatever was typed', () => {
    const typed = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'))
    fc.assert(
      fc.property(typed, (data) => {
        expect(wordsOf(curlOf(url, [{ ...text, data }])).at(-1)).toBe(data)
      }),
      { numRuns: 30 },
    )
  })
})
