/** `marina/pipeline`: typed steps over files, cached by content, each in a process of its own. */
export { defineStep, type Json, type Params, type Progress, type Step, type StepContext } from './step.js'
export {
  command,
  definePipeline,
  file,
  from,
  step,
  type CommandOptions,
  type InputSource,
  type Pipeline,
  type PlacedStep,
  type PlaceOptions,
} from './pipeline.js'
export { loadPipeline, type LoadedPipeline, type LoadedStep } from './load.js'
export { cleanCache, runPipeline, type RunOptions } from './run.js'
export { lastRun, type LastRun } from './resume.js'
export { inspectPipeline, type Selection, type StepState } from './state.js'
export type { Observer, RunEvent, RunStatus } from './events.js'
export type { RunRecord, StepRecord } from './record.js'
