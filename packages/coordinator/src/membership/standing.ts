import type { WorkerFacts } from '../events.ts'

/** Who a worker is, however often it connects. */
type Identity = Pick<WorkerFacts, 'name' | 'host'>

/** So many wrong answers are held against a worker before it is kept out: one may be chance, and it has been found. */
const mostFaults = 3

/** What is held against workers, by name and host: one that comes back is known. */
export type Standing = {
  /** Holds a wrong answer against a worker. True when it was one too many. */
  readonly charge: (worker: Identity) => boolean
  readonly exclude: (worker: Identity, reason: string) => void
  /** Why a worker may not take part any more, or null. */
  readonly refuse: (worker: Identity) => string | null
}

export function createStanding(): Standing {
  const faults = new Map<string, number>()
  const excluded = new Map<string, string>()
  const keyOf = ({ name, host }: Identity) => `${name}\n${host}`

  return {
    charge: worker => {
      const count = (faults.get(keyOf(worker)) ?? 0) + 1
      faults.set(keyOf(worker), count)
      return count >= mostFaults
    },
    exclude: (worker, reason) => void excluded.set(keyOf(worker), reason),
    refuse: worker => {
      const reason = excluded.get(keyOf(worker))
      return reason === undefined ? null : `${worker.name} on ${worker.host} is excluded from this run: ${reason}`
    },
  }
}
