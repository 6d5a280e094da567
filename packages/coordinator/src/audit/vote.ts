/** One worker's answer to a task, until a decision is made. */
export type Vote = {
  /** False for a gradient or a loss that is not finite; no run continues with one. */
  readonly isSound: boolean
  /** The numbers and bytes of the answer, which are compared bit by bit. */
  readonly figures: readonly number[]
  readonly bytes: Uint8Array
  /** Makes this the task's result. Called at most once per task, and before any vote on it is dropped. */
  readonly accept: () => void
  /** Releases the memory. */
  readonly drop: () => void
}

/** The vote of one worker. `times` is 2 when it was asked again because no decision was possible. */
export type CastVote = {
  readonly workerId: number
  readonly vote: Vote
  readonly times: 1 | 2
}

/** Whether two votes are equal to the bit. Two unsound votes agree, whatever their bits. */
export function agree(a: Vote, b: Vote): boolean {
  if (!a.isSound || !b.isSound) return a.isSound === b.isSound
  return a.figures.every((figure, at) => Object.is(figure, b.figures[at])) && Buffer.compare(a.bytes, b.bytes) === 0
}

/** Whether both votes are sound and differ, so that one of the workers must have computed wrongly. */
export function contradict(a: Vote, b: Vote): boolean {
  return a.isSound && b.isSound && !agree(a, b)
}

/** A vote that keeps no data: it is either accepted as it is, or unusable. */
export function voteWithoutData(isSound: boolean): Vote {
  return isSound ? soundVote : { ...soundVote, isSound }
}

const soundVote: Vote = {
  isSound: true,
  figures: [],
  bytes: new Uint8Array(0),
  accept: () => undefined,
  drop: () => undefined,
}
