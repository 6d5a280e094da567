/** A unit of work that any worker can do: a shard's gradient or a chunk's evaluation. */
export type Task = {
  readonly key: string
  /** The step whose weights it needs. Earlier steps go first. */
  readonly step: number
  /** Order within the step. */
  readonly index: number
  /** What is computed; the time per sample depends on it. */
  readonly kind: 'gradient' | 'evaluation'
  readonly samples: number
}

export type Assignment<T extends Task> = { readonly workerId: number; readonly task: T }

export function isBefore(a: Task, b: Task): boolean {
  return a.step < b.step || (a.step === b.step && a.index < b.index)
}

/** A description for users, who count steps from 1. */
export function describeTask({ kind, index, step }: Task): string {
  return kind === 'gradient'
    ? `the gradient of shard ${index} of step ${step + 1}`
    : `the evaluation of chunk ${index} after step ${step}`
}
