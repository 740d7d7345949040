/** Runs training steps on ONNX Runtime, one batch after the other, and keeps the state between them. */
import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { MarinaError, messageOf, misuse } from '../errors.js'
import { decodeModel } from '../onnx/index.js'
import { checkData, checkLabels, type Batch } from './batch.js'
import { readCheckpoint, writeCheckpoint } from './checkpoint.js'
import { exportNetwork, type ExportOptions } from './export.js'
import type { Loss } from './loss.js'
import type { Network } from './network.js'
import type { Values } from './operator.js'
import type { Optimizer } from './optimizer.js'
import { createRandom } from './random.js'
import type { Schedule } from './schedule.js'
import { buildTrainingGraph, graphNames, nextName, type StateSlot } from './training-graph.js'

/** What is trained, and how. */
export interface TrainerOptions {
  readonly network: Network
  readonly loss: Loss
  readonly optimizer: Optimizer
  readonly schedule: Schedule
  /** Rows of each batch; all batches have as many. */
  readonly batch: number
  /** The same seed gives the same weights at the start; with one thread, the same run bit for bit. Default 1. */
  readonly seed?: number
  /** Threads of one step, from 1; default: the cores that this process may use. */
  readonly threads?: number
}

/** What one step came to. */
export interface StepResult {
  /** Number of the step, from 0. */
  readonly step: number
  /** Mean loss of the batch, before the step. */
  readonly loss: number
  /** Share of the batch's rows that were right, before the step. */
  readonly accuracy: number
  readonly learningRate: number
}

/** Options of {@link Trainer.fit}. */
export interface FitOptions {
  /** Stops when so many steps have been run in all; default: when the batches end. */
  readonly steps?: number
  readonly onStep?: (result: StepResult) => void
  /** Written every `every` steps, and when the signal stops the run. */
  readonly checkpoint?: { readonly file: string; readonly every: number }
  /** Stops between two steps; `fit` then throws the signal's reason. */
  readonly signal?: AbortSignal
}

/** A run of training. Whoever made it closes it. */
export interface Trainer {
  /** Steps that have been run. */
  readonly step: number
  /**
   * Runs one step.
   * @throws MarinaError `invalid-shape` for a batch that does not fit; `training-failed` when the loss is no number any more
   */
  train(batch: Batch): Promise<StepResult>
  /** Runs a step for each batch of a stream. */
  fit(batches: AsyncIterable<Batch> | Iterable<Batch>, options?: FitOptions): Promise<void>
  /** Values of a layer, or of the loss under the name `loss`. */
  values(layer: string): Values
  save(file: string): Promise<void>
  /** Goes on from a checkpoint. @throws MarinaError `invalid-file` for a damaged one, or one of another run */
  restore(file: string): Promise<void>
  /** The network as it is now, for inference. */
  exportOnnx(options?: ExportOptions): Uint8Array
  close(): Promise<void>
}

/**
 * Makes a trainer with first weights from the seed.
 * @throws MarinaError `invalid-shape` when network and loss do not fit; `misuse` for a batch or threads below 1, or an operator
 * of which ONNX Runtime knows no kernel (its layer is named)
 */
export async function createTrainer(options: TrainerOptions): Promise<Trainer> {
  const { batch, threads = availableParallelism() } = options
  for (const [name, value] of Object.entries({ batch, threads })) {
    if (!Number.isInteger(value) || value < 1)
      throw misuse(`${name} must be a whole number from 1, not ${value}`)
  }
  const graph = buildTrainingGraph(options)
  const session = await InferenceSession.create(graph.bytes, {
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    enableMemPattern: true,
    logSeverityLevel: 3,
    intraOpNumThreads: threads,
  }).catch((error: unknown) => {
    throw cannotRun(graph.bytes, error)
  })
  return new SessionTrainer(options, { session, slots: graph.state, graph: graph.bytes })
}

/** Nodes are named after their layers; where ONNX Runtime names only an operation, the first of them is looked up. */
function cannotRun(graph: Uint8Array, error: unknown): MarinaError {
  const message = messageOf(error)
  const { nodes } = decodeModel(graph)
  const isNamed = nodes.some(({ outputs }) => outputs.some((name) => message.includes(name)))
  const node = isNamed ? undefined : nodes.find(({ op }) => new RegExp(`\\b${op}\\b`).test(message))
  const where = node ? ` (${node.op} stands at ${node.outputs[0] ?? ''})` : ''
  return new MarinaError('misuse', `The training graph cannot be run: ${message}${where}`, { cause: error })
}

class SessionTrainer implements Trainer {
  readonly #options: TrainerOptions
  readonly #session: InferenceSession
  readonly #slots: readonly StateSlot[]
  readonly #fingerprint: string
  #state: Record<string, Tensor>
  #step = 0

  constructor(
    options: TrainerOptions,
    { session, slots, graph }: { session: InferenceSession; slots: readonly StateSlot[]; graph: Uint8Array },
  ) {
    this.#options = options
    this.#session = session
    this.#slots = slots
    this.#fingerprint = createHash('sha256')
      .update(graph)
      .update(String(options.seed ?? 1))
      .digest('hex')
    this.#state = firstState(slots, options.seed ?? 1)
  }

  get step(): number {
    return this.#step
  }

  async train(batch: Batch): Promise<StepResult> {
    const { schedule, optimizer, network, loss: kind, batch: rows } = this.#options
    const step = this.#step
    const learningRate = schedule(step)
    const rate = optimizer.rate(learningRate, step)
    const place = { step, rows, input: network.input, classes: kind.classes }
    const feeds = {
      ...this.#state,
      [graphNames.data]: new Tensor(network.input.type, checkData(batch.data, place), [
        rows,
        ...network.input.shape,
      ]),
      [graphNames.labels]: new Tensor('int64', checkLabels(batch.labels, place), [rows]),
      [graphNames.rate]: new Tensor('float32', Float32Array.of(rate), []),
    }
    const results = await this.#session.run(feeds)
    const loss = Number(results[graphNames.loss]?.data[0])
    if (!Number.isFinite(loss)) throw this.#diverged({ loss, learningRate, batch })
    const state: Record<string, Tensor> = {}
    for (const { name } of this.#slots) {
      const next = results[nextName(name)]
      if (next) state[name] = next
    }
    this.#state = state
    this.#step = step + 1
    return { step, loss, accuracy: Number(results[graphNames.correct]?.data[0]) / rows, learningRate }
  }

  async fit(batches: AsyncIterable<Batch> | Iterable<Batch>, options: FitOptions = {}): Promise<void> {
    const { steps = Infinity, onStep, checkpoint, signal } = options
    const keep = async () => {
      if (checkpoint) await this.save(checkpoint.file)
    }
    if (this.#step >= steps) return
    for await (const batch of batches) {
      if (signal?.aborted) {
        await keep()
        signal.throwIfAborted()
      }
      const result = await this.train(batch)
      onStep?.(result)
      if (checkpoint && this.#step % checkpoint.every === 0) await keep()
      if (this.#step >= steps) return
    }
  }

  values(layer: string): Values {
    const own = this.#slots.filter(({ name, kind }) => kind !== 'slot' && name.startsWith(`${layer}.`))
    return Object.fromEntries(own.map(({ name }) => [name.slice(layer.length + 1), this.#valueOf(name)]))
  }

  async save(file: string): Promise<void> {
    const tensors = new Map(
      this.#slots.map(({ name, shape }) => [name, { shape, data: this.#valueOf(name) }]),
    )
    await writeCheckpoint(file, { step: this.#step, fingerprint: this.#fingerprint, tensors })
  }

  async restore(file: string): Promise<void> {
    const { step, fingerprint, tensors } = await readCheckpoint(file)
    if (fingerprint !== this.#fingerprint) {
      throw new MarinaError(
        'invalid-file',
        `${file}: this checkpoint is of another network, loss, optimiser, batch size or seed; delete it to start anew`,
      )
    }
    const entries = [...tensors].map(
      ([name, { shape, data }]) => [name, new Tensor('float32', data, shape)] as const,
    )
    this.#state = Object.fromEntries(entries)
    this.#step = step
  }

  exportOnnx(options?: ExportOptions): Uint8Array {
    return exportNetwork(this.#options.network, (layer) => this.values(layer), options)
  }

  async close(): Promise<void> {
    await this.#session.release()
  }

  #valueOf(name: string): Float32Array {
    const data = this.#state[name]?.data
    if (!(data instanceof Float32Array)) throw misuse(`There is no value '${name}' in this run.`)
    return data
  }

  #diverged({
    loss,
    learningRate,
    batch,
  }: {
    loss: number
    learningRate: number
    batch: Batch
  }): MarinaError {
    const { loss: kind, schedule, network } = this.#options
    const rowSize = network.input.shape.reduce((product, size) => product * size, 1)
    const badElement = batch.data.findIndex((value) => !Number.isFinite(value))
    const badValue = this.#slots.find(({ name }) => !this.#valueOf(name).every(Number.isFinite))
    const why =
      badElement >= 0
        ? `Row ${Math.floor(badElement / rowSize)} of the batch holds ${batch.data[badElement] ?? NaN}.`
        : badValue
          ? `${badValue.name} is no longer finite since the step before, at a rate of ${schedule(Math.max(0, this.#step - 1)).toPrecision(3)}: ` +
            'lower the rate or lengthen the warm-up.'
          : 'Data and weights are finite: lower the rate, or scale the input.'
    return new MarinaError(
      'training-failed',
      `Step ${this.#step}: the loss of ${kind.name} is ${loss} at a rate of ${learningRate.toPrecision(3)}. ${why}`,
    )
  }
}

function firstState(slots: readonly StateSlot[], seed: number): Record<string, Tensor> {
  const random = createRandom(seed)
  const entries = slots.map(({ name, shape, first }) => {
    const count = shape.reduce((product, size) => product * size, 1)
    const data = first ? first.initialize(random) : new Float32Array(count)
    return [name, new Tensor('float32', data, shape)] as const
  })
  return Object.fromEntries(entries)
}
