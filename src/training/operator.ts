/**
 * What an operator is: its shape rule, its forward pass, its gradient and its form for inference, side by side in one
 * place. A new one is a value made by {@link defineOperator}, here or in a user's project; no list knows them all.
 */
import type { GraphBuilder } from '../onnx/index.js'
import type { Random } from './random.js'

/** Sizes of one row, without the batch dimension: `[channels, height, width]` or `[features]`. */
export type Shape = readonly number[]

/** A tensor that training changes: trained by the optimiser, or a statistic that the forward pass moves. */
export interface StateTensor {
  /** Unique within its layer: `weight`, `bias`… */
  readonly name: string
  readonly shape: readonly number[]
  /** First values, `shape` row-major. */
  readonly initialize: (random: Random) => Float32Array
  /** Whether weight decay applies; biases and norms go without. Default false. */
  readonly decay?: boolean
}

/** What every pass of a layer is given: where it stands, and the graph that is being written. */
export interface LayerPass<Options> {
  readonly graph: GraphBuilder
  readonly options: Options
  readonly inputShape: Shape
  readonly outputShape: Shape
}

/** The forward pass in training; `batch` rows. Names are those of values in the graph. */
export interface ForwardPass<Options> extends LayerPass<Options> {
  readonly batch: number
  readonly input: string
  /** By the names that `parameters` gave. */
  readonly parameters: Readonly<Record<string, string>>
  readonly statistics: Readonly<Record<string, string>>
}

/** What a forward pass leaves: its output, what the backward pass will need, and moved statistics. */
export interface ForwardResult {
  readonly output: string
  readonly saved?: Readonly<Record<string, string>>
  readonly statistics?: Readonly<Record<string, string>>
}

/** The backward pass: from the gradient of the output to those of the input and of each parameter. */
export interface BackwardPass<Options> extends ForwardPass<Options> {
  readonly output: string
  readonly saved: Readonly<Record<string, string>>
  /** Gradient of the loss by the output. */
  readonly gradient: string
  /** False in the first layer that has parameters: the gradient of the input is not needed. */
  readonly needsInput: boolean
}

/** Gradients: by the input (where needed), and by each parameter. */
export interface BackwardResult {
  readonly input: string | undefined
  readonly parameters: Readonly<Record<string, string>>
}

/** Trained values by name, each row-major. */
export type Values = Readonly<Record<string, Float32Array>>

/** The form for inference: any number of rows, values as constants. */
export interface InferencePass<Options> extends LayerPass<Options> {
  readonly input: string
  readonly values: Values
  /** Stores a value in the graph and returns its name. */
  readonly constant: (
    name: string,
    value: { readonly shape: readonly number[]; readonly data: Float32Array },
  ) => string
}

/** `y = scale · x + shift` for each channel: what batch norm is at inference, and what a layer before it may absorb. */
export interface Affine {
  readonly scale: Float32Array
  readonly shift: Float32Array
}

/** One kind of layer. */
export interface Operator<Options> {
  readonly name: string
  /** Shape of the output for an input. @throws MarinaError `invalid-shape` naming both */
  output(input: Shape, options: Options): Shape
  parameters?(input: Shape, options: Options): readonly StateTensor[]
  statistics?(input: Shape, options: Options): readonly StateTensor[]
  forward(pass: ForwardPass<Options>): ForwardResult
  backward(pass: BackwardPass<Options>): BackwardResult
  infer(pass: InferencePass<Options>): string
  /** The layer as an affine map of each channel, where it is one at inference. */
  affine?(values: Values, options: Options): Affine
  /**
   * Whether each output is the largest of some inputs of its channel: an affine map that follows, and keeps the order, may
   * then as well go before.
   */
  readonly selects?: boolean
  /** Values of this layer with an affine map that follows it folded in. */
  absorb?(values: Values, affine: Affine): Values
}

/** A layer of a network: an operator with its options. The name is made from the operator's and a number unless given. */
export interface Layer {
  readonly operator: Operator<unknown>
  readonly options: unknown
  readonly name: string | undefined
}

/** Makes a kind of layer: the returned function makes layers of it. */
export function defineOperator<Options extends object>(
  operator: Operator<Options>,
): (options: Options & { readonly name?: string }) => Layer {
  // The one place where the type of the options is forgotten: operator and options stay together in the layer.
  return ({ name, ...options }) => ({ operator: operator, options, name })
}
