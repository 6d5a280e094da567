import type { WorkerFacts } from '../events.ts'

/** Identifies a worker across connections. */
type Identity = Pick<WorkerFacts, 'name' | 'host'>

/** This many wrong answers exclude a worker. Fewer may be chance, and each was detected. */
const mostFaults = 3

/** Wrong answers counted against workers, by name and host, so that a worker that reconnects is recognised. */
export type Standing = {
  /** Counts a wrong answer against a worker. Returns true once there are too many. */
  readonly charge: (worker: Identity) => boolean
  readonly exclude: (worker: Identity, reason: string) => void
  /** Why a worker may no longer join, or null. */
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
