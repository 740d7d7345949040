/** Writes one training step as one graph: forward, loss, backward, optimiser. A batch is one run of it. */
import { invalidShape, messageOf, misuse } from '../errors.js'
import { GraphBuilder, type OnnxValue } from '../onnx/index.js'
import type { Loss } from './loss.js'
import type { Network, NetworkInput } from './network.js'
import type { BackwardResult, ForwardPass, ForwardResult, StateTensor } from './operator.js'
import type { Optimizer } from './optimizer.js'

/** A value that each step takes and gives back moved: `conv1.weight`, `conv1.weight/mean`, `batchNorm1.variance`… */
export interface StateSlot {
  readonly name: string
  readonly shape: readonly number[]
  readonly kind: 'parameter' | 'statistic' | 'slot'
  readonly first: StateTensor | undefined
}

/** A training step as an ONNX file, and what it carries from step to step. */
export interface TrainingGraph {
  readonly bytes: Uint8Array
  readonly state: readonly StateSlot[]
}

/** What a training step is made of. */
export interface TrainingGraphOptions {
  readonly network: Network
  readonly loss: Loss
  readonly optimizer: Optimizer
  /** Rows of each batch. */
  readonly batch: number
}

/** Names of the graph's own inputs and outputs; state comes in under its name and leaves under `<name>'`. */
export const graphNames = {
  data: 'data',
  labels: 'labels',
  rate: 'rate',
  loss: 'loss',
  correct: 'correct',
} as const

/** The name under which a state leaves the graph. */
export const nextName = (name: string): string => `${name}'`

/**
 * Writes the graph. Optimiser slots follow the parameters that they belong to. The names of nodes begin with their layer.
 * @throws MarinaError `invalid-shape` when the loss does not take what the network gives; `misuse` for an operator that
 * leaves out a gradient or a statistic
 */
export function buildTrainingGraph(options: TrainingGraphOptions): TrainingGraph {
  const { network, loss, optimizer, batch } = options
  const graph = new GraphBuilder()
  const states: StateSlot[] = []
  const writer = new StateWriter(graph, states)
  const data = graph.input({
    name: graphNames.data,
    type: network.input.type,
    shape: [batch, ...network.input.shape],
  })
  const labels = graph.input({ name: graphNames.labels, type: 'int64', shape: [batch] })
  const rate = graph.input({ name: graphNames.rate, type: 'float32', shape: [] })
  const steps = forward(options, { graph, writer, input: scaleInput(graph, data, network.input) })
  graph.within('loss')
  const own = writer.declare('loss', lossParameters(loss, network), 'parameter')
  const input = steps.at(-1)?.result.output ?? ''
  const end = loss.write({ graph, batch, input, inputShape: network.outputShape, labels, parameters: own })
  graph.output(end.loss, { name: graphNames.loss, type: 'float32', shape: [] })
  graph.output(end.correct, { name: graphNames.correct, type: 'float32', shape: [] })
  const gradients = backward(steps, end.input)
  for (const [name, gradient] of Object.entries(end.parameters)) gradients.set(`loss.${name}`, gradient)
  for (const slot of states.filter(({ kind }) => kind === 'parameter')) {
    graph.within(`${optimizer.name}/${slot.name}`)
    const slots = writer.declareSlots(slot, optimizer.slots)
    const gradient = gradients.get(slot.name)
    if (gradient === undefined) throw misuse(`${slot.name}: the backward pass gives no gradient of it`)
    const pass = { graph, parameter: slot.name, gradient, slots, rate }
    const next = optimizer.update({ ...pass, decay: slot.first?.decay ?? false })
    writer.move(slot, next.parameter)
    for (const [name, value] of Object.entries(next.slots)) writer.moveNamed(`${slot.name}/${name}`, value)
  }
  writer.checkAllMoved()
  return { bytes: graph.encode('training step'), state: states }
}

function lossParameters(loss: Loss, { layers, outputShape }: Network): readonly StateTensor[] {
  try {
    return loss.parameters(outputShape)
  } catch (error) {
    const from = layers.at(-1)?.name ?? 'the network’s input'
    throw invalidShape(
      `${loss.name}: ${messageOf(error)} (from ${from}, which gives [${outputShape.join(', ')}])`,
    )
  }
}

/** Bytes become floats, scaled and shifted. */
export function scaleInput(
  graph: GraphBuilder,
  data: string,
  { type, scale = 1, offset = 0 }: NetworkInput,
): string {
  const floats = type === 'uint8' ? graph.node('Cast', [data], { to: 1n }) : data
  const scaled = scale === 1 ? floats : graph.node('Mul', [floats, graph.scalar(scale)])
  return offset === 0 ? scaled : graph.node('Add', [scaled, graph.scalar(offset)])
}

/** Declares state as inputs of the graph, and says what leaves it. */
class StateWriter {
  readonly #graph: GraphBuilder
  readonly #states: StateSlot[]
  readonly #moved = new Set<string>()

  constructor(graph: GraphBuilder, states: StateSlot[]) {
    this.#graph = graph
    this.#states = states
  }

  declare(
    layer: string,
    tensors: readonly StateTensor[],
    kind: 'parameter' | 'statistic',
  ): Record<string, string> {
    return Object.fromEntries(
      tensors.map((first) => [
        first.name,
        this.#add({ name: `${layer}.${first.name}`, shape: first.shape, kind, first }),
      ]),
    )
  }

  declareSlots(parameter: StateSlot, names: readonly string[]): Record<string, string> {
    const { shape } = parameter
    const add = (name: string) =>
      this.#add({ name: `${parameter.name}/${name}`, shape, kind: 'slot', first: undefined })
    return Object.fromEntries(names.map((name) => [name, add(name)]))
  }

  move(slot: StateSlot, next: string): void {
    this.#moved.add(slot.name)
    this.#graph.output(next, valueOf({ ...slot, name: nextName(slot.name) }))
  }

  moveNamed(name: string, next: string): void {
    const slot = this.#states.find((state) => state.name === name)
    if (!slot) throw misuse(`${name}: this value was moved, but never declared`)
    this.move(slot, next)
  }

  checkAllMoved(): void {
    const left = this.#states.find(({ name }) => !this.#moved.has(name))
    if (left) throw misuse(`${left.name}: the forward pass or the optimiser gives no next value of it`)
  }

  #add(slot: StateSlot): string {
    this.#states.push(slot)
    return this.#graph.input(valueOf(slot))
  }
}

const valueOf = ({ name, shape }: StateSlot): OnnxValue => ({ name, type: 'float32', shape })

/** A layer's forward pass as it was written, for the way back. */
interface WrittenLayer {
  readonly pass: ForwardPass<unknown>
  readonly result: ForwardResult
  readonly layer: Network['layers'][number]
}

function forward(
  { network, batch }: TrainingGraphOptions,
  { graph, writer, input }: { graph: GraphBuilder; writer: StateWriter; input: string },
): WrittenLayer[] {
  let value = input
  return network.layers.map((layer) => {
    const { operator, options, inputShape, outputShape, name } = layer
    graph.within(name)
    const parameters = writer.declare(name, operator.parameters?.(inputShape, options) ?? [], 'parameter')
    const statistics = writer.declare(name, operator.statistics?.(inputShape, options) ?? [], 'statistic')
    const pass = { graph, options, inputShape, outputShape, batch, input: value, parameters, statistics }
    const result = operator.forward(pass)
    for (const [statistic, next] of Object.entries(result.statistics ?? {})) {
      writer.moveNamed(`${name}.${statistic}`, next)
    }
    value = result.output
    return { pass, result, layer }
  })
}

/** From the loss's gradient back through the layers; gradients by the parameters' full names. */
function backward(steps: readonly WrittenLayer[], from: string): Map<string, string> {
  const gradients = new Map<string, string>()
  // Below the first layer with parameters nothing is trained, so no gradient needs to get there.
  const lowest = steps.findIndex(({ pass }) => Object.keys(pass.parameters).length > 0)
  let gradient: BackwardResult['input'] = from
  for (let at = steps.length - 1; at >= Math.max(0, lowest); at--) {
    const step = steps[at]
    if (!step || gradient === undefined) break
    const { pass, result, layer } = step
    const { output, saved = {} } = result
    pass.graph.within(`${layer.name}/back`)
    const back = layer.operator.backward({ ...pass, output, saved, gradient, needsInput: at > lowest })
    for (const [name, value] of Object.entries(back.parameters)) gradients.set(`${layer.name}.${name}`, value)
    gradient = back.input
  }
  return gradients
}
