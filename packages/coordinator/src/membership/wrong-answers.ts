import type { WorkerFacts } from '../events.ts'

/** Identifies a worker across connections. */
type Identity = Pick<WorkerFacts, 'name' | 'host'>

/** This many wrong answers exclude a worker. Fewer may be chance, and each was detected. */
const mostWrongAnswers = 3

/** Wrong answers counted against workers, by name and host, so that a worker that reconnects is recognised. */
export type WrongAnswers = {
  /** Counts a wrong answer against a worker. Returns true once there are too many. */
  readonly count: (worker: Identity) => boolean
  readonly exclude: (worker: Identity, reason: string) => void
  /** Why a worker may no longer join, or null. */
  readonly whyExcluded: (worker: Identity) => string | null
}

export function createWrongAnswers(): WrongAnswers {
  const counts = new Map<string, number>()
  const excluded = new Map<string, string>()
  const keyOf = ({ name, host }: Identity) => `${name}\n${host}`

  return {
    count: worker => {
      const total = (counts.get(keyOf(worker)) ?? 0) + 1
      counts.set(keyOf(worker), total)
      return total >= mostWrongAnswers
    },
    exclude: (worker, reason) => void excluded.set(keyOf(worker), reason),
    whyExcluded: worker => {
      const reason = excluded.get(keyOf(worker))
      return reason === undefined ? null : `${worker.name} on ${worker.host} is excluded from this run: ${reason}`
    },
  }
}
