/** Answers of the handler itself, asked here instead of in a server: what an archive promises to answer. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { isFailure, type Context, type Job } from 'marina'
import handler from './handler.js'

/** What the handler answers. */
export interface GoldenAnswer extends Record<string, number | boolean> {
  pred: number
  dist: number
  known: boolean
}

/** The handler's answer to each picture, from a folder that holds what the archive will hold. */
export async function goldenAnswers(files: readonly string[], modelDir: string): Promise<GoldenAnswer[]> {
  const context: Context = {
    model: 'embedding',
    version: '0',
    modelDir,
    manifest: {},
    threads: 1,
    device: 'cpu',
    batchSize: files.length,
    log: () => undefined,
    metric: () => undefined,
  }
  const jobs = await Promise.all(files.map(jobOf))
  if (!handler.initialize || !handler.preprocess || !handler.inference || !handler.postprocess)
    throw new Error('The handler lacks a phase.')
  const state = await handler.initialize(context)
  try {
    const digits = (await handler.preprocess(jobs, state)).map((digit, at) => {
      if (isFailure(digit)) throw new Error(`${files[at] ?? ''}: ${digit.text}`)
      return digit
    })
    const found = (await handler.inference(digits, state, jobs)).flatMap((row) =>
      isFailure(row) ? [] : [row],
    )
    return (await handler.postprocess(found, state, jobs)) as GoldenAnswer[]
  } finally {
    await handler.dispose?.(state)
  }
}

async function jobOf(file: string): Promise<Job> {
  const part = { name: 'body', contentType: 'image/*', data: await readFile(file) }
  return {
    id: basename(file),
    input: { kind: 'parts', parts: [part] },
    headers: {},
    operation: 'predict',
    sequenceId: undefined,
    signal: new AbortController().signal,
  }
}
