/** How a command ends: done, failed in the world, used wrongly, or interrupted after a checkpoint. */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const
