/** The errors of a pipeline: what was wrong, in which step, and what to do. */
import { MarinaError, messageOf, misuse } from '../errors.js'

/** A pipeline file that does not define a pipeline that can run (exit code 2). */
export const badPipeline = (file: string, why: string) => misuse(`${file}: ${why}`)

/** A step that failed; what it threw is the cause. */
export const stepFailed = (step: string, cause: unknown) =>
  new MarinaError('step-failed', `Step '${step}' failed: ${messageOf(cause)}`, { cause })

/** A step whose process ended by itself. */
export const stepDied = (step: string, how: string, lastLines: readonly string[]) =>
  new MarinaError(
    'step-failed',
    `Step '${step}' ended ${how}${lastLines.length > 0 ? `; its last lines:\n${lastLines.map((line) => `  ${line}`).join('\n')}` : ''}`,
  )

/** A step that returned without one of its outputs. */
export const missingOutput = (step: string, output: string) =>
  new MarinaError(
    'step-failed',
    `Step '${step}' returned without its output '${output}': it must write a file or folder at outputs.${output}`,
  )

/** A step that was asked for alone, while a step that it needs is not up to date. */
export const missingNeed = (step: string, need: string) =>
  new MarinaError(
    'step-failed',
    `Step '${step}' cannot run alone: it needs '${need}', which is not up to date. Run '${need}' first, or leave --only away.`,
  )

/** A project in which nothing was run yet, or whose last record is not whole. */
export const noRunToResume = (folder: string, why: string) =>
  new MarinaError(
    'step-failed',
    `There is no run to go on with in ${folder}: ${why}. Start one: marina pipeline run`,
  )

/** Another run works in the same folder. */
export const locked = (folder: string, holder: string) =>
  new MarinaError(
    'conflict',
    `Another run works in ${folder} (${holder}). Wait for it, or stop it; a lock of a dead process is taken over by itself.`,
  )
