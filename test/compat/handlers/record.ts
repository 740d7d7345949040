/** `npm run record:handlers [-- [--check] [--pack] [SCENE …]]`; scenes on torch by the word `--torch` first. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { runRecorder } from '../recorder.js'
import { HANDLER_PACKAGES, venvWith } from '../../support/python-venv.js'
import { plainArchives, torchArchives } from './archives.js'
import { scenes } from './scenes.js'
import { torchScenes } from './scenes-torch.js'
import { packAll, packTorch } from './store.js'

const folder = join(process.cwd(), 'test/compat/handlers')
const [first] = process.argv.splice(2, process.argv[2] === '--torch' ? 1 : 0)

if (first === undefined) {
  await runRecorder({
    folder,
    scenes,
    makeStore: (store, original) => packAll(plainArchives, { folder: store, original }),
  })
} else {
  // The original runs in its own environment; Captum, which its vision handlers import, lies in ours.
  const where = 'import captum, os; print(os.path.dirname(captum.__path__[0]))'
  const PYTHONPATH = execFileSync(venvWith(HANDLER_PACKAGES), ['-c', where], { encoding: 'utf8' }).trim()
  await runRecorder({
    folder: join(folder, 'torch'),
    scenes: torchScenes.map((scene) => ({ ...scene, env: { PYTHONPATH } })),
    makeStore: (store, original) => packTorch(torchArchives, { folder: store, original }),
  })
}
