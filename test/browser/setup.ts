/** One `marina demo --quick` for all browser tests: the real pipeline, its server process and its analysis page. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the page. */
    page: string
    /** The file of the analysis page. */
    report: string
  }
}

const marina = fileURLToPath(new URL('../../bin/marina.js', import.meta.url))

/** Starts the demo on free ports, and stops it when the last test is done. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const demo = spawn(process.execPath, [marina, 'demo', '--quick', '--json', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const told: string[] = []
  createInterface({ input: demo.stderr }).on('line', (line) => told.push(line))
  const exited = new Promise<void>((resolve) => demo.once('close', () => resolve()))
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface({ input: demo.stdout }).once('line', resolve)),
    exited.then(() => Promise.reject(new Error(`The demo ended by itself:\n${told.join('\n')}`))),
  ])
  const { page, report } = JSON.parse(line) as { page: string; report: string }
  project.provide('page', page)
  project.provide('report', report)
  return async () => {
    demo.kill('SIGTERM')
    await exited
  }
}
