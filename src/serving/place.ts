/** Where in a model's own files an exception arose, read from the stack that its language prints. */
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Frame {
  readonly file: string
  readonly line: string
  readonly name: string | undefined
}

/**
 * `handler.py, line 5, in initialize`: the innermost frame in the model's folder; undefined when there is none. The map of a
 * handler that is being worked on leads to its project: V8's innermost frame that is neither an installed package's nor
 * Marina's then counts. Python prints the innermost frame last, V8 first.
 */
export function placeOf(trace: string, modelDir: string): string | undefined {
  const own = ({ file }: Frame) => file.startsWith(`${modelDir}/`)
  const v8 = v8Frames(trace)
  const frame = pythonFrames(trace).findLast(own) ?? v8.find(own) ?? v8.find(isProject)
  if (!frame) return undefined
  const place = `${own(frame) ? relative(modelDir, frame.file) : frame.file}, line ${frame.line}`
  return frame.name === undefined ? place : `${place}, in ${frame.name}`
}

/**
 * The same for a Python process that a signal ended, from the stack that its `faulthandler` wrote: `Fatal Python error: …`, then the
 * threads, each with its innermost frame first. That of the thread that crashed counts.
 */
export function crashPlaceOf(stderr: readonly string[], modelDir: string): string | undefined {
  const begin = stderr.findLastIndex((line) => line.startsWith('Current thread '))
  if (begin < 0) return undefined
  const rest = stderr.slice(begin + 1)
  const end = rest.findIndex((line) => !line.startsWith('  '))
  const stack = (end < 0 ? rest : rest.slice(0, end)).join('\n')
  const frames = [...stack.matchAll(/^ *File "([^"\n]+)", line (\d+) in (\S+)/gm)].map(frameOf)
  const frame = frames.find(({ file }) => file.startsWith(`${modelDir}/`))
  return frame && `${relative(modelDir, frame.file)}, line ${frame.line}, in ${frame.name ?? '?'}`
}

const isProject = ({ file }: Frame): boolean =>
  !file.includes('/node_modules/') && !marinaFolders.some((folder) => file.startsWith(folder))

/** Where Marina's own code lies: compiled, and as its maps name it. */
const marinaFolders = ['../../dist/', '../../src/'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)

const pythonFrames = (trace: string): Frame[] =>
  [...trace.matchAll(/^ *File "([^"\n]+)", line (\d+)(?:, in (\S+))?/gm)].map(frameOf)

const v8Frames = (trace: string): Frame[] =>
  [...trace.matchAll(/^ +at (?:async )?(?:(.+?) \()?(?:file:\/\/)?(\/[^\n()]+?):(\d+):\d+\)?$/gm)].map(
    ([whole, name, file, line]) => frameOf([whole, file ?? '', line ?? '', name ?? '']),
  )

const frameOf = ([, file = '', line = '', name]: readonly (string | undefined)[]): Frame => ({
  file,
  line,
  name: name || undefined,
})
