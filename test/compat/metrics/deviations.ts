/** Where our metrics differ from the recorded ones on purpose, each with its reason. */
import type { Deviations } from '../comparison.js'

/** By scene and title. */
export const deviations: Deviations = {}
