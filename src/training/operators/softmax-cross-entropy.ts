/** Softmax cross-entropy: the loss of an ordinary classifier, whose last layer gives one score for each class. */
import { invalidShape } from '../../errors.js'
import { countCorrect, crossEntropy, oneHot, type Loss } from '../loss.js'

/** The loss over scores `[classes]`. */
export function softmaxCrossEntropy({ classes }: { readonly classes: number }): Loss {
  return {
    name: 'softmaxCrossEntropy',
    classes,
    parameters(input) {
      if (input.length === 1 && input[0] === classes) return []
      throw invalidShape(
        `takes one score for each of ${classes} classes, [${classes}], not [${input.join(', ')}]`,
      )
    },
    write({ graph, batch, input, labels }) {
      const target = oneHot(graph, labels, classes)
      const { loss, gradient } = crossEntropy(graph, { scores: input, target, batch })
      return { loss, correct: countCorrect(graph, input, labels), input: gradient, parameters: {} }
    },
  }
}
