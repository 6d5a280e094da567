/** What an answer says, for as long as it is doubted. */
export type Opinion = {
  /** False for a gradient or a loss that is not finite: no run goes on with such a one. */
  readonly isSound: boolean
  /** What it says, which is compared to the bit. */
  readonly figures: readonly number[]
  readonly bytes: Uint8Array
  /** Makes it what the task has come to. Called at most once, for one opinion on a task, before any is dropped. */
  readonly accept: () => void
  /** Gives its memory back. */
  readonly drop: () => void
}

/** The opinion of a worker, which was asked once or, because nobody could decide, twice. */
export type Heard = {
  readonly workerId: number
  readonly opinion: Opinion
  readonly times: 1 | 2
}

/** Unsound ones are alike, whatever their bits. */
export function areAlike(a: Opinion, b: Opinion): boolean {
  if (!a.isSound || !b.isSound) return a.isSound === b.isSound
  return a.figures.every((figure, at) => Object.is(figure, b.figures[at])) && Buffer.compare(a.bytes, b.bytes) === 0
}

/** Whether one of them must be wrong for more than that it is not finite. */
export function contradict(a: Opinion, b: Opinion): boolean {
  return a.isSound && b.isSound && !areAlike(a, b)
}

/** Of an answer of which nothing is kept: it is believed as it is, or cannot be used. */
export function brief(isSound: boolean): Opinion {
  return isSound ? believed : { ...believed, isSound }
}

const believed: Opinion = {
  isSound: true,
  figures: [],
  bytes: new Uint8Array(0),
  accept: () => undefined,
  drop: () => undefined,
}
