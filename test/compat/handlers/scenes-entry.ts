/** How a handler is found and loaded (contract python-handlers §2). */
import { clear, infer, logged, manage, type Step } from '../step.js'

interface Entry {
  readonly name: string
  /** Instead of the manifest's. */
  readonly handler?: string
  readonly archive?: string
  readonly more?: string
  /** What is asked once it is loaded. */
  readonly then?: readonly Step[]
  /** What its failure logs, and the last line of that. */
  readonly fails?: readonly [end: RegExp, lines?: RegExp]
}

// The original logs a trace of its own after some of these, and Java's words in between.
const chain = /^(ModuleNotFoundError|ImportError|During handling)/

const register = ({ name, handler, archive = 'entries', more = '' }: Entry): Step => {
  const chosen = handler === undefined ? '' : `&handler=${encodeURIComponent(handler)}`
  return manage(`POST /models?url=${archive}.mar&model_name=${name}${chosen}&initial_workers=1${more}`)
}

function entry(one: Entry): Step[] {
  const { name, fails, then = [infer(`POST /predictions/${name}`, { body: 'x' })] } = one
  const [end, lines = end] = fails ?? []
  if (end && lines) return [register(one), logged(name, lines, end), clear(name)]
  return [register(one), ...then, clear(name)]
}

const twice = (name: string) => [
  infer(`POST /predictions/${name}`, { note: 'once', body: 'x' }),
  infer(`POST /predictions/${name}`, { note: 'again', body: 'x' }),
]

const found: readonly Entry[] = [
  { name: 'module-service', then: twice('module-service') },
  { name: 'shadows', archive: 'shadows' },
  { name: 'shadows-by-parameter', handler: 'image_classifier' },
  { name: 'class-and-function', handler: 'module_service.py' },
  { name: 'without-suffix', handler: 'module_service' },
  { name: 'named-by-parameter', handler: 'module_service:predict' },
  { name: 'named-with-suffix', handler: 'module_service.py:predict' },
  { name: 'with-folder', handler: 'some/folder/module_service.py:predict' },
  { name: 'only-class', handler: 'only_class.py', then: twice('only-class') },
  { name: 'wrong-name', handler: 'only_class.py:wrong_name' },
  { name: 'double-colon', handler: 'only_class.py::handle' },
  { name: 'name-of-class', handler: 'only_class.py:OnlyClass', fails: [/^TypeError: OnlyClass/] },
  { name: 'imported-class', handler: 'imported_class.py' },
  {
    name: 'subclass',
    handler: 'subclass.py',
    then: [
      infer('POST /predictions/subclass', { body: 'raw' }),
      infer('POST /predictions/subclass', {
        note: 'form',
        headers: ['Content-Type: application/x-www-form-urlencoded'],
        body: 'data=field',
      }),
      manage('GET /models/subclass?customized=true'),
    ],
  },
  { name: 'subclass-without-super', handler: 'subclass_without_super.py' },
  { name: 'callable-object', handler: 'callable_object.py', then: twice('callable-object') },
  { name: 'replaced-handle', handler: 'replaced_handle.py' },
  { name: 'main-block', handler: 'main_block.py' },
  { name: 'coroutine', handler: 'coroutine.py' },
  { name: 'requires', archive: 'requires' },
]

const expectedOne = /^ValueError: Expected only one class/

const lost: readonly Entry[] = [
  { name: 'two-classes', handler: 'two_classes.py', fails: [expectedOne] },
  { name: 'no-class', handler: 'no_class.py', fails: [expectedOne] },
  { name: 'only-imported-class', handler: 'only_imported_class.py', fails: [expectedOne] },
  { name: 'no-handle', handler: 'no_handle.py', fails: [/^ValueError: Expect handle/] },
  { name: 'no-initialize', handler: 'no_initialize.py', fails: [/^AttributeError: 'NoInit/] },
  { name: 'takes-words', handler: 'takes_words.py', fails: [/^TypeError: TakesWords/] },
  { name: 'not-callable', handler: 'module_service:number', fails: [/^TypeError: 'int'/] },
  { name: 'raises-at-load', handler: 'raises_at_load.py', fails: [/^TypeError: object of/] },
  { name: 'syntax-error', handler: 'syntax_error.py', fails: [/^SyntaxError/] },
  {
    name: 'missing-dependency',
    handler: 'missing_dependency.py',
    fails: [/^ModuleNotFoundError: No module named 'ts\.torch_handler/, chain],
  },
  {
    name: 'relative-import',
    handler: 'relative_import.py',
    fails: [/^ModuleNotFoundError: No module named 'ts\.torch_handler/, chain],
  },
  {
    name: 'no-such-module',
    handler: 'no_such_module.py',
    fails: [/^ModuleNotFoundError: No module named 'ts\.torch_handler/, chain],
  },
]

// What is logged is not looked at: the original stops reading a worker's output when the worker has said that it failed.
const failing = (name: string, more = ''): Entry => ({ name, archive: 'loads', more, then: [] })

const outcomes: readonly Entry[] = [
  { name: 'loaded', archive: 'loads' },
  ...['memory', 'cuda', 'runtime', 'value', 'import', 'assertion', 'key', 'os', 'exit'].map((name) =>
    failing(name),
  ),
  failing('slow', '&startup_timeout=4'),
]

/** A handler of each kind. */
export const entrySteps: readonly Step[] = [...found, ...lost, ...outcomes].flatMap(entry)
