/** The place of an exception, in stacks as Python and V8 print them. */
import { expect, test } from 'vitest'
import { crashPlaceOf, placeOf } from './place.js'

const python = `Traceback (most recent call last):
  File "/opt/marina/load.py", line 40, in load
    handler = make()
  File "/m/handler.py", line 5, in initialize
    helper.read()
  File "/m/lib/helper.py", line 9, in read
    return json.loads("{")
  File "/usr/lib/python3/json/decoder.py", line 337, in decode
    raise JSONDecodeError
json.decoder.JSONDecodeError: Expecting value`

const v8 = `Error: no weights
    at readFile (node:fs:12:3)
    at initialize (file:///m/handler.js:2:35)
    at async load (file:///opt/marina/main.js:80:5)`

test.each([
  ['Python: the innermost frame of the model’s own', python, 'lib/helper.py, line 9, in read'],
  [
    'a syntax error, which has no function',
    '  File "/m/handler.py", line 3\n    def (',
    'handler.py, line 3',
  ],
  ['V8', v8, 'handler.js, line 2, in initialize'],
  ['the top level of a module', 'Error: x\n    at file:///m/handler.js:1:7', 'handler.js, line 1'],
  [
    'V8, async',
    'Error: x\n    at async Object.initialize (file:///m/a.js:7:1)',
    'a.js, line 7, in Object.initialize',
  ],
  [
    'V8, in a project that the map of its bundle leads to',
    'Error: x\n    at f (file:///p/node_modules/sharp/a.js:7:1)\n    at g (/p/handler.ts:3:1)',
    '/p/handler.ts, line 3, in g',
  ],
  [
    'V8, in packages alone',
    `Error: x\n    at f (/p/node_modules/sharp/a.js:7:1)\n    at g (${import.meta.filename}:1:1)`,
    undefined,
  ],
  ['none of the model’s own', '  File "/mother/handler.py", line 3, in f', undefined],
  ['nothing', '', undefined],
])('%s', (_, trace, place) => {
  expect(placeOf(trace, '/m')).toBe(place)
})

const crash = (...stack: string[]) => [
  'a line of the handler',
  'Fatal Python error: Segmentation fault',
  '',
  'Thread 0x00007f0000000001 (most recent call first):',
  '  File "/m/other.py", line 1 in elsewhere',
  '',
  'Current thread 0x00007f0000000002 (most recent call first):',
  ...stack,
]

test.each([
  [
    'the innermost frame of the model’s own, of the thread that crashed',
    crash(
      '  File "/usr/lib/ctypes/__init__.py", line 519 in string_at',
      '  File "/m/lib/native.py", line 3 in infer',
      '  File "/m/handler.py", line 9 in handle',
      '',
      'Extension modules: numpy.core (total: 1)',
      '  File "/m/handler.py", line 99 in not_of_the_stack',
    ),
    'lib/native.py, line 3, in infer',
  ],
  ['none, where no frame is its own', crash('  File "/usr/lib/a.py", line 1 in f'), undefined],
  ['none, without a stack', ['killed', '  File "/m/handler.py", line 9 in handle'], undefined],
])('of a crash it is %s', (_, stderr, place) => {
  expect(crashPlaceOf(stderr, '/m')).toBe(place)
})
