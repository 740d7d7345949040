/** Where Marina's torch-model-archiver does otherwise than the original, on purpose: docs/compatibility.md says why. */
import { expect } from 'vitest'
import type { Outcome } from './recorded.js'

/** One deviation: its heading in docs/compatibility.md, and what of the recorded outcome is different here. */
export interface Deviation {
  readonly heading: string
  readonly outcome: Partial<Outcome>
}

const manifest = (model: Record<string, string> = {}) => {
  const { serializedFile, ...rest } = model
  const fields = { modelName: 'm', ...(serializedFile && { serializedFile }), handler: 'handler.py', ...rest }
  const whole = {
    createdOn: '{time}',
    runtime: 'python',
    model: { ...fields, modelVersion: '1.0' },
    archiverVersion: '0.12.0',
  }
  return { manifest: JSON.stringify(whole, undefined, 2).split('\n'), manifestAt: 'end' }
}
const handler = 'handler.py 644 deflated 44709a159763a422'
const done = { exit: 0, stderr: [''] }
const failed = (text: string) => ({
  exit: 1,
  made: {},
  stderr: [
    'ERROR - Failed to convert m to the model-archive.',
    'Traceback (most recent call last):',
    ...`ValueError: ${text}`.split('\n'),
    '',
  ],
})

const created = (path: string): Deviation => ({
  heading: 'A missing export path is made',
  outcome: {
    exit: 0,
    stderr: [`WARNING - Export directory (${path}) does not exist. Creating...`, ''],
    made: { [`${path}/m.mar`]: { members: [handler], ...manifest() } },
  },
})

/** By the title of the case. */
export const deviations: Readonly<Record<string, Deviation>> = {
  '--help in 10 columns': {
    heading: 'Help in a terminal of very few columns',
    outcome: {
      stdout: expect.arrayContaining(['usage: torch-model-archiver', '       ', '       [-h]']) as string[],
    },
  },
  'an export path that is missing': created('nope'),
  'an export path whose parents are missing': created('nope/deep/er'),
  'a model name that ends in a newline': {
    heading: 'A model name that ends in a newline is refused',
    outcome: {
      exit: 1,
      made: {},
      stderr: [
        'ERROR - Model name contains special characters.',
        'The allowed regular expression filter for model name is: ^[A-Za-z0-9][A-Za-z0-9_\\-.]*$',
        'Traceback (most recent call last):',
        'model_archiver.model_archiver_error.ModelArchiverError: Model name contains special characters.',
        'The allowed regular expression filter for model name is: ^[A-Za-z0-9][A-Za-z0-9_\\-.]*$',
        '',
      ],
    },
  },
  "a folder of the model's name in the temporary folder": {
    heading: 'The temporary folder is left alone',
    outcome: {
      ...done,
      made: {
        'm.mar': {
          members: [handler, 'weights.pt 644 deflated d2c5163ff65b3cae'],
          ...manifest({ serializedFile: 'weights.pt' }),
        },
      },
    },
  },
  'extra files: an old time': {
    heading: 'Files from before 1980 are packed',
    outcome: {
      ...done,
      made: { 'm.mar': { members: [handler, 'old.txt 644 deflated b139e89c7dacc16f'], ...manifest() } },
    },
  },
  'extra files: an archive that was unpacked': {
    heading: 'One manifest in an archive',
    outcome: {
      ...done,
      made: { 'm.mar': { members: [handler, 'model.pt 644 deflated a31f9df388ca8b9c'], ...manifest() } },
    },
  },
  'extra files: an archive that was unpacked, tgz': {
    heading: 'One manifest in an archive',
    outcome: {
      made: {
        'm.tar.gz': {
          members: ['m/handler.py 644 44709a159763a422', 'm/model.pt 644 a31f9df388ca8b9c'],
          ...manifest(),
        },
      },
    },
  },
  'extra files: a name with a newline': {
    heading: 'Names that cannot be unpacked everywhere are refused',
    outcome: failed('a\nb: member "a\\nb" has a control character in its name'),
  },
  'extra files: a name with a backslash': {
    heading: 'Names that cannot be unpacked everywhere are refused',
    outcome: failed('dir/a\\b.txt: member "a\\\\b.txt" has a backslash in its name'),
  },
}
