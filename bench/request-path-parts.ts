/** What `request-path.mjs` measures. */
export { createInfer } from '../src/serving/infer.js'
export { createKeySource } from '../src/serving/create-job.js'
export { JobQueue } from '../src/serving/dispatch/job-queue.js'
export { noMetrics } from '../src/serving/metrics.js'
export { createRegistry } from '../src/serving/registry.js'
