/** What a model or index is, in one line. */
import type { FileFacts, OnnxFacts } from '../recognise/index.js'
import { bytesText } from './units.js'

/** As in `ONNX, opset 17, image uint8[N,1,28,28] → embedding float32[N,128], 24 nodes, 107,712 parameters`. */
export function factsText(facts: FileFacts): string {
  switch (facts.kind) {
    case 'onnx':
      return `ONNX, opset ${facts.opset}, ${values(facts.inputs)} → ${values(facts.outputs)}, ${count(facts.nodes, 'node')}, ${count(facts.parameters, 'parameter')}`
    case 'torchscript':
      return `TorchScript, ${tensors(facts)}`
    case 'state-dict':
      return `PyTorch state dict, ${tensors(facts)}`
    case 'pickled-module':
      return `PyTorch pickle, ${tensors(facts)}; loading it imports ${facts.imports.join(', ')}`
    case 'safetensors': {
      const types = Object.entries(facts.types).map(([type, number]) => `${number} ${type}`)
      return `safetensors, ${count(facts.tensors, 'tensor')} (${types.join(', ')}), ${count(facts.parameters, 'parameter')}`
    }
    case 'index':
      return `index, ${count(facts.count, 'vector')} of ${facts.dimension} numbers, ${facts.metric === 'l2' ? 'squared L2' : 'inner product'}`
    case 'other':
      return facts.format
    case 'unreadable':
      return `${facts.format}? It cannot be read: ${facts.why}`
    default:
      return facts satisfies never
  }
}

const values = (list: OnnxFacts['inputs']) =>
  list
    .map(({ name, type, shape }) => `${name} ${type}[${shape.map((size) => size || '?').join(',')}]`)
    .join(', ')

const count = (number: number, what: string) => `${grouped(number)} ${what}${number === 1 ? '' : 's'}`

/** `toLocaleString` would load tables for 13 ms. */
const grouped = (number: number) => String(number).replace(/\B(?=(\d{3})+$)/g, ',')

const tensors = (facts: { readonly tensors: number; readonly tensorBytes: number }) =>
  `${count(facts.tensors, 'tensor')} (${bytesText(facts.tensorBytes)})`
