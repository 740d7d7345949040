/**
 * What TorchServe's log says of a worker's life, word for word: people grep it (contract server-config §13.3). The
 * server's own records say the same with more detail; these are for the torchserve profile alone.
 */
import type { Logger } from '../../log.js'
import type { WorkerState } from '../../worker/lifecycle.js'

/** Says what happens to one slot. */
export interface SlotWords {
  moved(from: WorkerState | undefined, to: WorkerState): void
  spawned(pid: number): void
  /** Its worker is ended for not having answered in time: to the load, or to a request. */
  overdue(kind: 'load' | 'request'): void
}

/** Says nothing. */
export const noWords: SlotWords = {
  moved: () => undefined,
  spawned: () => undefined,
  overdue: () => undefined,
}

/** TorchServe's names; a worker that waits for its next start is stopped. */
const STATES: Readonly<Record<WorkerState['kind'], string>> = {
  starting: 'WORKER_STARTED',
  loading: 'WORKER_STARTED',
  ready: 'WORKER_MODEL_LOADED',
  draining: 'WORKER_SCALED_DOWN',
  waiting: 'WORKER_STOPPED',
  stopped: 'WORKER_STOPPED',
}

/** Makes the words of a slot; `thread` is the original's name for it, `W-9000-m_1.0`. */
export function torchserveWords(log: Logger, { slot, thread }: { slot: number; thread: string }): SlotWords {
  const handler = log.child({ logger: 'MODEL_LOG' })
  let unanswered = 0
  let recovering = false
  /** A worker that had served is started again at once, one that fails to start later and later. */
  const recover = (delayMs: number) => {
    log.info(recovering ? 'Auto recovery failed again' : `Auto recovery start timestamp: ${Date.now()}`)
    log.info(`Retry worker: ${slot} in ${delayMs / 1000} seconds.`)
    recovering = true
  }
  return {
    moved(from, to) {
      if (from && isUp(from) && !isUp(to)) log.info(`${slot} Worker disconnected. ${STATES[from.kind]}`)
      const [before, after] = [from ? STATES[from.kind] : 'null', STATES[to.kind]]
      if (before !== after) log.debug(`${thread} State change ${before} -> ${after}`)
      if (to.kind === 'waiting') recover(to.waitMs)
      if (to.kind === 'starting' && from?.kind === 'ready') recover(0)
      if (to.kind !== 'ready') return
      unanswered = 0
      if (recovering) log.info('Auto recovery succeeded, reset recoveryStartTS')
      recovering = false
    },
    spawned(pid) {
      handler.info(`[PID]${pid}`)
      handler.info('Torch worker started.')
    },
    overdue(kind) {
      if (kind === 'request') log.info(`Number or consecutive unsuccessful inference ${++unanswered}`)
      const cause = 'org.pytorch.serve.wlm.WorkerInitializationException'
      log.error(`Backend worker error\n${cause}: Backend worker did not respond in given time`)
    },
  }
}

const isUp = ({ kind }: WorkerState): boolean => kind === 'loading' || kind === 'ready' || kind === 'draining'
