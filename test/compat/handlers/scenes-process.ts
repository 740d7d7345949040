/** The process that a handler runs in (contract python-handlers §1). */
import { act, infer, logged, manage, type Step } from '../step.js'

const ask = (what: string): Step => infer('POST /predictions/process', act(what, { body: 'x' }))

const words = ['folder', 'notes', 'write', 'siblings', 'shadow', 'own', 'main', 'path', 'environment']

/** What a handler sees around it, and where its output goes. */
export const processSteps: readonly Step[] = [
  manage('POST /models?url=process.mar&initial_workers=1'),
  logged('said at load', /^said at load$/),
  ...[...words, 'list', 'child', 'thread', 'version'].map(ask),
  ask('output'),
  logged('printed', /^(printed|several|lines|end of output)/, /^end of output$/),
  ask('errors'),
  logged('printed as an error', /^printed to stderr$/),
  ask('logs'),
  logged('logs', /^(log |never|Traceback|ValueError|several|end of logs|lines)/, /^end of logs$/),
]
