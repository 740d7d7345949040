/** Exit codes of all commands. */

/** Done, failed, misused. */
export const EXIT = { done: 0, failed: 1, misused: 2 } as const
