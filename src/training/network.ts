/** A network: layers in a row, with names and the shapes between them. */
import { invalidShape, messageOf, misuse } from '../errors.js'
import type { Layer, Operator, Shape } from './operator.js'

/** What goes into a network. */
export interface NetworkInput {
  /** Sizes of one row: `[channels, height, width]` or `[features]`. */
  readonly shape: Shape
  /** Element type of the data; bytes are turned into floats in the graph. */
  readonly type: 'uint8' | 'float32'
  /** Each element is multiplied by this, then `offset` is added; inside the graph, so that the exported model has it too. */
  readonly scale?: number
  readonly offset?: number
}

/** A layer with its place in the network. */
export interface PlacedLayer {
  readonly name: string
  readonly operator: Operator<unknown>
  readonly options: unknown
  readonly inputShape: Shape
  readonly outputShape: Shape
}

/** A network whose shapes fit. */
export interface Network {
  readonly input: NetworkInput
  readonly layers: readonly PlacedLayer[]
  readonly outputShape: Shape
}

/**
 * Puts layers in a row.
 * @throws MarinaError `invalid-shape` naming the layer, what it takes and what it gets; `misuse` for something that is no
 * layer, or a name that stands twice
 */
export function sequential(layers: readonly Layer[], options: { readonly input: NetworkInput }): Network {
  const { input } = options
  if (input.shape.length === 0 || !input.shape.every((size) => Number.isInteger(size) && size > 0)) {
    throw invalidShape(`the network's input must have positive sizes, not [${input.shape.join(', ')}]`)
  }
  const counts = new Map<string, number>()
  const placed: PlacedLayer[] = []
  let shape = input.shape
  layers.forEach((layer, at) => {
    checkLayer(layer, at)
    const { operator } = layer
    const number = (counts.get(operator.name) ?? 0) + 1
    counts.set(operator.name, number)
    const name = layer.name ?? `${operator.name}${number}`
    if (placed.some((other) => other.name === name)) throw misuse(`Two layers are called '${name}'.`)
    const outputShape = outputOf(layer, { name, shape, before: placed.at(-1)?.name })
    placed.push({ name, operator, options: layer.options, inputShape: shape, outputShape })
    shape = outputShape
  })
  return { input, layers: placed, outputShape: shape }
}

function checkLayer(layer: unknown, at: number): void {
  const operator =
    typeof layer === 'object' && layer !== null && 'operator' in layer ? layer.operator : undefined
  const functions = ['output', 'forward', 'backward', 'infer']
  const isOperator =
    typeof operator === 'object' &&
    operator !== null &&
    functions.every((name) => typeof (operator as Record<string, unknown>)[name] === 'function')
  if (isOperator) return
  const name = typeof operator === 'string' ? `'${operator}'` : 'of an unknown operator'
  throw misuse(
    `Layer ${at + 1} is ${name}: layers are made by conv(), dense() and the like, or by defineOperator().`,
  )
}

function outputOf(layer: Layer, place: { name: string; shape: Shape; before: string | undefined }): Shape {
  const { name, shape, before } = place
  try {
    const output = layer.operator.output(shape, layer.options)
    if (output.every((size) => Number.isInteger(size) && size > 0)) return output
    throw invalidShape(`would give [${output.join(', ')}]`)
  } catch (error) {
    const from = before === undefined ? 'the network’s input' : before
    throw invalidShape(`${name}: ${messageOf(error)} (from ${from}, which gives [${shape.join(', ')}])`)
  }
}
