/** Handlers that need no torch, in both servers (contract python-handlers §18). */
import type { Scene } from '../step.js'
import { answerSteps, batchSteps, contextSteps, deadlySteps } from './scenes-answers.js'
import { dataSteps, rawDataSteps } from './scenes-data.js'
import { envelopeScenes } from './scenes-envelopes.js'
import { entrySteps } from './scenes-entry.js'
import { processSteps } from './scenes-process.js'
import { utilitySteps } from './scenes-utilities.js'

const config = ['default_workers_per_model=1']
const plain = { config, flags: ['--disable-token-auth', '--enable-model-api'], shared: false }

/** All scenes. */
export const scenes: readonly Scene[] = [
  { ...plain, name: 'entry', steps: entrySteps },
  {
    ...plain,
    name: 'process',
    config: [...config, 'blacklist_env_vars=CASE_HIDDEN|CASE_.*_NOTHING'],
    env: {
      CASE_KEPT: 'kept',
      CASE_HIDDEN: 'hidden',
      CASE_HIDDEN_NOT: 'not hidden',
      PYTHONPATH: '/opt/case-path',
    },
    steps: processSteps,
  },
  { ...plain, name: 'data', steps: dataSteps },
  { ...plain, name: 'raw-data', config: [...config, 'decode_input_request=false'], steps: rawDataSteps },
  { ...plain, name: 'answers', steps: answerSteps },
  { ...plain, name: 'deadly', steps: deadlySteps },
  { ...plain, name: 'context', steps: contextSteps },
  { ...plain, name: 'batches', steps: batchSteps },
  { ...plain, name: 'utilities', steps: utilitySteps },
  ...envelopeScenes,
]
