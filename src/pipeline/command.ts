/** A step that is a command: its words with paths and parameters filled in, run without a shell. */
import { spawn } from 'node:child_process'
import type { RunMessage } from './messages.js'

const PLACEHOLDER = /\{((?:inputs|outputs|params)\.[\w-]+|scratch)\}/g

/** Names of the placeholders in a command's words, such as `inputs.data`. */
export const placeholdersOf = (words: readonly string[]): string[] =>
  words.flatMap((word) => [...word.matchAll(PLACEHOLDER)].map(([, name = '']) => name))

/** Runs a command to its end: '' for exit code 0, else how it ended, in words that follow "ended". */
export function runCommand(words: readonly string[], context: Omit<RunMessage, 'runs'>): Promise<string> {
  const [program = '', ...args] = fill(words, context)
  const child = spawn(program, args, { cwd: context.folder, stdio: ['ignore', 'inherit', 'inherit'] })
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`before it began: ${error.message}`))
    child.once('exit', (code, signal) => resolve(howEnded(code, signal)))
  })
}

/** '' for exit code 0, else `with exit code 3` or `by SIGKILL`. */
export function howEnded(code: number | null, signal: NodeJS.Signals | null): string {
  if (code === 0) return ''
  return signal === null ? `with exit code ${code}` : `by ${signal}`
}

function fill(words: readonly string[], { inputs, outputs, params, scratch }: Omit<RunMessage, 'runs'>) {
  const values: Readonly<Record<string, unknown>> = {
    scratch,
    ...prefixed('inputs', inputs),
    ...prefixed('outputs', outputs),
    ...prefixed('params', params),
  }
  const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
  return words.map((word) => word.replaceAll(PLACEHOLDER, (_, name: string) => textOf(values[name])))
}

const prefixed = (prefix: string, values: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value]))
