/** Handlers on torch answer what TorchServe 0.12.0 was recorded to answer (`npm run record:handlers -- --torch`). */
import { describe } from 'vitest'
import { compareScene } from '../compat/comparison.js'
import { torchDeviations } from '../compat/handlers/deviations.js'
import { torchScenes } from '../compat/handlers/scenes-torch.js'

const folder = new URL('../compat/handlers/torch/', import.meta.url).pathname
// Debian's Python, which has torch; another may come first on the path.
const env = { MARINA_PYTHON: '/usr/bin/python3' }

describe.each(torchScenes)('$name', (scene) =>
  compareScene({ ...scene, env }, { folder, deviations: torchDeviations }),
)
