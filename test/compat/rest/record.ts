/** `npm run record:rest [-- [--check] [--pack] [SCENE …]]`. */
import { join } from 'node:path'
import { runRecorder } from '../recorder.js'
import { scenes } from './scenes.js'
import { makeStore } from './store.js'

await runRecorder({ folder: join(process.cwd(), 'test/compat/rest'), scenes, makeStore })
