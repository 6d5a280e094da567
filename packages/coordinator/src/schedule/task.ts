/** A piece of work that any worker can do: a shard's gradient or a chunk's evaluation. */
export type Task = {
  readonly key: string
  /** The step whose weights it needs: earlier ones go first. */
  readonly step: number
  /** Order within the step. */
  readonly index: number
  /** What is computed, for the time that a sample takes depends on it. */
  readonly kind: 'gradient' | 'evaluation'
  readonly samples: number
}

export type Assignment<T extends Task> = { readonly workerId: number; readonly task: T }

export function isBefore(a: Task, b: Task): boolean {
  return a.step < b.step || (a.step === b.step && a.index < b.index)
}

/** As people call it, who count the steps from 1. */
export function describeTask({ kind, index, step }: Task): string {
  return kind === 'gradient'
    ? `the gradient of shard ${index} of step ${step + 1}`
    : `the evaluation of chunk ${index} after step ${step}`
}
