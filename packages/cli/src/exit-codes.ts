/** Exit codes of commands: done, failed, wrong usage, or interrupted after a checkpoint. */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const
