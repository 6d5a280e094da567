/** `missing`: training works without it, but worse. `warning`: it is there but needs attention. */
export type FindingState = 'ok' | 'missing' | 'warning'

/** The result of one check of a machine. */
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
