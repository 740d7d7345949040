/** `marina dev --inspect`: how the workers of either language are started, so that a signal opens their debugger. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { isProject, readProject } from '../../archive/index.js'
import { misuse } from '../../errors.js'
import type { ServerOptions } from '../../server.js'
import { findPython } from '../../worker/find-python.js'

/** Where a debugger listens when nobody says otherwise, as editors expect it. */
export const DEFAULT_PORTS = { node: 9229, python: 5678 } as const

type WorkerArguments = Pick<ServerOptions, 'nodeArguments' | 'pythonArguments'>

/**
 * Arguments of the workers of a project; none where no debugger is asked for.
 * @throws misuse when the handler is Python, and its interpreter has no debugpy; and as `findPython`
 */
export async function inspectionOf(
  folder: string,
  { asked, python }: { asked: number | true | undefined; python: string | undefined },
): Promise<WorkerArguments> {
  if (asked === undefined) return {}
  const language = (await isPython(folder)) ? 'python' : 'node'
  const address = `127.0.0.1:${asked === true ? DEFAULT_PORTS[language] : asked}`
  if (language === 'node') return { nodeArguments: [`--inspect-port=${address}`] }
  await requireDebugpy(python)
  // The worker reads its own `-X` options: a variable would reach the programs that the handler starts.
  const options = [`marina_debugger=${address}`, `marina_project=${folder}`, 'frozen_modules=off']
  return { pythonArguments: options.flatMap((option) => ['-X', option]) }
}

async function isPython(folder: string): Promise<boolean> {
  return (await isProject(folder)) && (await readProject(folder)).handler.endsWith('.py')
}

async function requireDebugpy(setting: string | undefined): Promise<void> {
  const { executable } = await findPython(setting, process.env)
  await promisify(execFile)(executable, ['-c', 'import debugpy']).catch(() => {
    const cure = `${executable} -m pip install debugpy`
    throw misuse(`--inspect needs debugpy for a handler in Python, and ${executable} has none: ${cure}`)
  })
}
