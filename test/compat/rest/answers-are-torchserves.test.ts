/** Every recorded request is sent to our server too, and its answer compared. */
import { describe } from 'vitest'
import { compareScene } from '../comparison.js'
import { deviations } from './deviations.js'
import { scenes } from './scenes.js'

const folder = new URL('./', import.meta.url).pathname

describe.each(scenes)('$name', (scene) => compareScene(scene, { folder, deviations }))
