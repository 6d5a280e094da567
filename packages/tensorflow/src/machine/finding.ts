/** `missing`: training goes on without it, worse. `warning`: there, but something about it wants attention. */
export type FindingState = 'ok' | 'missing' | 'warning'

/** One thing that a machine has or lacks. */
export type Finding = {
  readonly subject: string
  readonly state: FindingState
  /** What was found, for people. */
  readonly value: string
  /** What to do about it, as a sentence. */
  readonly remedy?: string
  /** The same for programs. */
  readonly facts?: Readonly<Record<string, string | number | boolean | readonly string[]>>
}
