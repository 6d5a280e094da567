/** Events that a test can await one after the other. */
export type Happenings<T> = {
  readonly add: (value: T) => void
  readonly all: readonly T[]
  readonly next: () => Promise<T>
}

export function createHappenings<T>(): Happenings<T> {
  const all: T[] = []
  let read = 0
  let wake: () => void = () => undefined

  async function next(): Promise<T> {
    const index = read++
    while (all.length <= index) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    return all[index]!
  }

  return {
    all,
    next,
    add: value => {
      all.push(value)
      wake()
    },
  }
}
