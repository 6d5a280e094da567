/** One worker's answer to a task, until a ruling is made. */
export type Opinion = {
  /** False for a gradient or a loss that is not finite; no run continues with one. */
  readonly isSound: boolean
  /** The numbers and bytes of the answer, which are compared bit by bit. */
  readonly figures: readonly number[]
  readonly bytes: Uint8Array
  /** Makes this the task's result. Called at most once per task, and before any opinion on it is dropped. */
  readonly accept: () => void
  /** Releases the memory. */
  readonly drop: () => void
}

/** The opinion of one worker. `times` is 2 when it was asked again because no ruling was possible. */
export type Heard = {
  readonly workerId: number
  readonly opinion: Opinion
  readonly times: 1 | 2
}

/** Two unsound opinions are alike, whatever their bits. */
export function areAlike(a: Opinion, b: Opinion): boolean {
  if (!a.isSound || !b.isSound) return a.isSound === b.isSound
  return a.figures.every((figure, at) => Object.is(figure, b.figures[at])) && Buffer.compare(a.bytes, b.bytes) === 0
}

/** Whether both opinions are sound and differ, so that one of the workers must have computed wrongly. */
export function contradict(a: Opinion, b: Opinion): boolean {
  return a.isSound && b.isSound && !areAlike(a, b)
}

/** An opinion that keeps no data: it is either accepted as it is, or unusable. */
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
