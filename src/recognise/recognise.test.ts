/** What files hold, told without their weights: files of torch 1.13 (`test/fixtures/recognise/make.py`), ONNX, safetensors, faiss. */
import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeModel, type OnnxModel } from '../onnx/index.js'
import { encodeHead } from '../vector/faiss-format.js'
import { memoryAccess, mayHoldModel, recognise, type RandomAccess } from './index.js'
import { importsOf } from './pickle.js'

const fixture = (name: string) =>
  readFile(new URL(`../../test/fixtures/recognise/${name}`, import.meta.url).pathname)
const factsOf = (name: string, data: Uint8Array) => recognise(name, memoryAccess(data))

describe('a PyTorch file', () => {
  it.each([
    ['state-dict.pt', { kind: 'state-dict', tensors: 2, tensorBytes: 32 }],
    ['checkpoint.pt', { kind: 'state-dict', tensors: 2, tensorBytes: 32 }],
    ['scripted.pt', { kind: 'torchscript', tensors: 2, tensorBytes: 32 }],
    ['before-1.6.pth', { kind: 'other', format: 'PyTorch before 1.6 (a pickle)' }],
    ['harmful.pt', { kind: 'pickled-module', tensors: 0, tensorBytes: 0, imports: ['posix.system'] }],
  ])('%s is told from the others', async (name, facts) => {
    expect(await factsOf(name, await fixture(name))).toEqual(facts)
  })

  it('of a whole module names what loading it would import', async () => {
    expect(await factsOf('module.pt', await fixture('module.pt'))).toMatchObject({
      kind: 'pickled-module',
      imports: expect.arrayContaining(['torch.nn.modules.linear.Linear', '__builtin__.set']) as unknown,
    })
  })
})

const model = (weightBytes: number): OnnxModel => ({
  name: 'net',
  opset: 17,
  nodes: [{ op: 'Gemm', inputs: ['x', 'w'], outputs: ['y'], attributes: {}, domain: '' }],
  initializers: [
    { name: 'w', type: 'float32', shape: [weightBytes / 16, 4], data: new Uint8Array(weightBytes) },
  ],
  inputs: [
    { name: 'x', type: 'float32', shape: ['batch', 4] },
    { name: 'w', type: 'float32', shape: [weightBytes / 16, 4] },
  ],
  outputs: [{ name: 'y', type: 'float32', shape: ['batch', 128] }],
  metadata: {},
})

describe('an ONNX file', () => {
  it('gives opset, inputs without weights, outputs, nodes and parameters', async () => {
    expect(await factsOf('model.onnx', encodeModel(model(1600)))).toEqual({
      kind: 'onnx',
      opset: 17,
      inputs: [{ name: 'x', type: 'float32', shape: ['batch', 4] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['batch', 128] }],
      nodes: 1,
      parameters: 400,
    })
  })

  it('of 32 MB is told by reading a few windows of it', async () => {
    const data = memoryAccess(encodeModel(model(32 << 20)))
    let read = 0
    const counting: RandomAccess = {
      bytes: data.bytes,
      read: (at, length) => {
        read += length
        return data.read(at, length)
      },
    }
    expect(await recognise('model.onnx', counting)).toMatchObject({ kind: 'onnx', parameters: 8 << 20 })
    expect(read).toBeLessThan(512 << 10)
  })

  it('that is damaged says why', async () => {
    const bytes = encodeModel(model(1600))
    expect(await factsOf('model.onnx', bytes.subarray(0, 900))).toMatchObject({
      kind: 'unreadable',
      format: 'ONNX',
    })
  })
})

function safetensors(header: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text])
}

describe('other files', () => {
  it('safetensors gives tensors, types and parameters', async () => {
    const header = {
      __metadata__: { format: 'pt' },
      a: { dtype: 'F32', shape: [3, 4], data_offsets: [0, 48] },
      b: { dtype: 'I8', shape: [], data_offsets: [48, 49] },
    }
    expect(await factsOf('m.safetensors', safetensors(header))).toEqual({
      kind: 'safetensors',
      tensors: 2,
      parameters: 13,
      types: { F32: 1, I8: 1 },
    })
    expect(await factsOf('m.safetensors', safetensors({ a: 1 }))).toMatchObject({ kind: 'unreadable' })
  })

  it('an index gives count, dimension and metric, whatever it is called', async () => {
    const head = encodeHead({ metric: 'l2', dimension: 4, count: 3 }, false)
    const data = Buffer.concat([head, Buffer.alloc(48)])
    const facts = { kind: 'index', count: 3, dimension: 4, metric: 'l2' }
    expect(await factsOf('faiss_index.bin', data)).toEqual(facts)
    expect(await factsOf('a.faiss', data)).toEqual(facts)
    expect(await factsOf('a.faiss', data.subarray(0, 60))).toMatchObject({ kind: 'unreadable' })
  })

  it('of unknown content tell nothing, and code is not looked at', async () => {
    expect(await factsOf('a.bin', Buffer.from('hello'))).toBeUndefined()
    expect(await factsOf('empty.bin', Buffer.alloc(0))).toBeUndefined()
    expect(mayHoldModel('handler.py')).toBe(false)
  })
})

describe('any bytes', () => {
  const names = fc.constantFrom('a.onnx', 'a.pt', 'a.safetensors', 'a.faiss', 'a.bin')
  const heads = fc.constantFrom('', 'PK\x03\x04', 'IxF2', 'IxMp', '\x80\x02\x8a\x0a', '\x3a\x10')

  it('are told or not, and never throw', async () => {
    await fc.assert(
      fc.asyncProperty(names, heads, fc.uint8Array({ maxLength: 300 }), async (name, head, rest) => {
        await factsOf(name, Buffer.concat([Buffer.from(head, 'latin1'), rest]))
      }),
      { numRuns: 300 },
    )
  })

  it('as a pickle give imports or a reason', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(Array.isArray(importsOf(Buffer.from(bytes)))).toBe(true)
        } catch (error) {
          expect(String(error)).toMatch(/^Error: its pickle/)
        }
      }),
    )
  })
})
