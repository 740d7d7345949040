/** The network: an image to a point on the sphere in 128 dimensions, small enough to train in a minute on two cores. */
import { batchNorm, conv, dense, flatten, l2Normalize, maxPool, relu, sequential } from 'marina/training'
import { SIDE } from './digit.js'

/** Three convolutions and one fully connected layer; bytes are scaled inside the graph, so that the exported model has it too. */
export const embeddingNetwork = (dimension: number) =>
  sequential(
    [
      ...[conv({ filters: 24, kernel: 3, bias: false }), maxPool(2), batchNorm(), relu()], // 13×13
      ...[conv({ filters: 48, kernel: 3, bias: false }), batchNorm(), relu()], // 11×11
      ...[conv({ filters: 64, kernel: 3, bias: false }), maxPool(2), batchNorm(), relu()], // 4×4
      ...[flatten(), dense({ outputs: dimension, bias: false }), batchNorm(), l2Normalize()],
    ],
    { input: { shape: [1, SIDE, SIDE], type: 'uint8', scale: 1 / 255 } },
  )
