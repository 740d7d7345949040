/** Writes a trained network as an ONNX model for inference: any number of rows, batch norms folded into what is before them. */
import { bytesOf, GraphBuilder } from '../onnx/index.js'
import type { Network, PlacedLayer } from './network.js'
import type { Affine, Values } from './operator.js'
import { scaleInput } from './training-graph.js'

/** Options of an export. */
export interface ExportOptions {
  /** Name of the graph; default `model`. */
  readonly name?: string
  /** Names of the model's input and output; default `input` and `output`. */
  readonly input?: string
  readonly output?: string
  /** Kept in the file as they are. */
  readonly metadata?: Readonly<Record<string, string>>
}

/** Encodes the network with its trained values, `values(layer)` by their names within the layer, as an ONNX file (opset 17). */
export function exportNetwork(
  network: Network,
  values: (layer: string) => Values,
  options: ExportOptions = {},
): Uint8Array {
  const graph = new GraphBuilder()
  const data = {
    name: options.input ?? 'input',
    type: network.input.type,
    shape: ['batch', ...network.input.shape],
  }
  let value = scaleInput(graph, graph.input(data), network.input)
  for (const { layer, trained } of fold(network.layers, values)) {
    value = layer.operator.infer({
      graph,
      options: layer.options,
      inputShape: layer.inputShape,
      outputShape: layer.outputShape,
      input: value,
      values: trained,
      constant: (name, { shape, data: elements }) =>
        graph.initializer(`${layer.name}.${name}`, { type: 'float32', shape, data: bytesOf(elements) }),
    })
  }
  const shape = ['batch', ...network.outputShape]
  graph.output(value, { name: options.output ?? 'output', type: 'float32', shape })
  return graph.encode(options.name ?? 'model', options.metadata)
}

/** Layers that are left, each with its values, after affine layers have been folded into those before them, through pools where they keep the order. */
function fold(
  layers: readonly PlacedLayer[],
  values: (layer: string) => Values,
): { readonly layer: PlacedLayer; readonly trained: Values }[] {
  const left: { layer: PlacedLayer; trained: Values }[] = []
  for (const layer of layers) {
    const trained = values(layer.name)
    const map = layer.operator.affine?.(trained, layer.options)
    const target = map && left.findLast(({ layer: { operator } }) => !(operator.selects && isIncreasing(map)))
    if (map && target?.layer.operator.absorb)
      target.trained = target.layer.operator.absorb(target.trained, map)
    else left.push({ layer, trained })
  }
  return left
}

/** The largest of several values stays the largest under such a map, so the two may change places. */
const isIncreasing = ({ scale }: Affine) => scale.every((factor) => factor > 0)
