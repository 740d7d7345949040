/** Which fault comes when: a kill every two seconds, and between two kills one of the others in turn. */

/** Everything that is done to a server under load. */
export const faultKinds = ['kill', 'stop', 'rollout', 'scale', 'grow', 'flood'] as const

/** One kind of fault. */
export type FaultKind = (typeof faultKinds)[number]

/** A fault that is due at a time after the start. */
export interface DueFault {
  readonly atMs: number
  readonly kind: FaultKind
  /** Index of the model that it hits. */
  readonly model: number
}

/** Time between two kills; half a period later comes another fault. */
export const KILL_EVERY_MS = 2000

/**
 * The faults of a run, in order. Kills take the models in turn; what follows a kill hits the next model, so that a model
 * of two workers seldom loses both. Each of the others comes to each model within two rounds.
 */
export function scheduleOf({ seconds, models }: { seconds: number; models: number }): readonly DueFault[] {
  const others = faultKinds.filter((kind) => kind !== 'kill')
  const kills = Math.floor((seconds * 1000) / KILL_EVERY_MS)
  return Array.from({ length: kills }, (_, step): DueFault[] => {
    const atMs = (step + 0.5) * KILL_EVERY_MS
    const kind = others[step % others.length] ?? 'stop'
    return [
      { atMs, kind: 'kill', model: step % models },
      { atMs: atMs + KILL_EVERY_MS / 2, kind, model: (step + 1) % models },
    ]
  })
    .flat()
    .filter(({ atMs }) => atMs < seconds * 1000)
}
