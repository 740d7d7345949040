/** Metrics in each mode: what a scrape answers, and what stands in the logs, as TorchServe has it. */
import { describe } from 'vitest'
import { compareScene } from '../comparison.js'
import { deviations } from './deviations.js'
import { scenes } from './scenes.js'

const folder = new URL('./', import.meta.url).pathname

describe.each(scenes)('$name', (scene) => compareScene(scene, { folder, deviations }))
