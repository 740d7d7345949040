/** Virtual environments of Debian's Python with packages that Debian has not, made once and kept in the cache. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Debian's interpreter, whose torch, torchvision and numpy the environments see. */
const SYSTEM_PYTHON = '/usr/bin/python3'

/**
 * What the built-in handlers may use beside torch: ONNX Runtime, and Captum for explanations. Debian's numpy stays: a newer
 * one does not fit its torch.
 */
export const HANDLER_PACKAGES = ['onnxruntime==1.20.1', 'captum==0.7.0', 'numpy<1.25'] as const

/** The interpreter of the environment with these packages; makes it where it is not there. @throws what pip has to say */
export function venvWith(packages: readonly string[]): string {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'marina-tests')
  const name = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 12)
  const venv = join(cache, `venv-${name}`)
  const python = join(venv, 'bin/python')
  if (existsSync(python)) return python
  mkdirSync(cache, { recursive: true })
  const staging = mkdtempSync(join(cache, 'venv-new-'))
  const run = (command: string, ...words: string[]) =>
    execFileSync(command, words, { stdio: ['ignore', 'ignore', 'pipe'] })
  try {
    run(SYSTEM_PYTHON, '-m', 'venv', '--system-site-packages', staging)
    run(join(staging, 'bin/python'), '-m', 'pip', 'install', '--quiet', ...packages)
    // The interpreter finds its packages beside itself, wherever it lies; scripts of the packages are not used.
    if (!existsSync(venv)) renameSync(staging, venv)
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
  return python
}
