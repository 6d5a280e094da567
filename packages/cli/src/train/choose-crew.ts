import { availableParallelism } from 'node:os'
import { readMemory, workerMemoryBytes } from '@lockstep/tensorflow/machine-memory'
import { formatAmount } from '../terminal/format.ts'

/** What a crew may use of this machine. */
export type Capacity = { readonly cores: number; readonly memoryBytes: number }

/** What the user has fixed of a run, or the run that is resumed; null where it is to be chosen. */
export type CrewWishes = {
  readonly workers: number | null
  readonly threads: number | null
  readonly shards: number | null
  readonly minWorkers: number | null
  readonly batchSize: number
  /** Whether a run is gone on with, of which nothing but the number of workers may change. */
  readonly isResumed: boolean
}

export type Crew = {
  /** Worker processes of this machine. */
  readonly workers: number
  readonly threads: number
  readonly shards: number
  /** Why there are so many workers and threads. */
  readonly reason: string
  /** What could be better, or null. */
  readonly advice: string | null
}

/** Smaller shards cost more for their messages and the replica's step than another worker gains. */
const leastShardSamples = 12

/** Samples of a shard for which another thread of TensorFlow is worth its synchronisation. */
const samplesPerThread = 6

export function readCapacity(): Capacity {
  return { cores: availableParallelism(), memoryBytes: readMemory().totalBytes }
}

/**
 * Workers, threads and shards of a run on this machine. A worker with one thread for each core is best as long as the
 * batch gives each a shard worth its while; beyond that threads take the cores that are left. Where the shards are fixed,
 * or workers of other machines are awaited, there is one thread: the same weights are wanted whoever computes them.
 */
export function chooseCrew(wishes: CrewWishes, capacity: Capacity): Crew {
  const { workers, reason } = chooseWorkers(wishes, capacity)
  const shards = wishes.shards ?? Math.max(workers, wishes.minWorkers ?? 0)
  const threads = wishes.threads ?? chooseThreads({ workers, shards }, wishes, capacity)
  const chosen = { workers, threads, shards }
  const filled = wishes.threads === null && threads > 1
  return {
    ...chosen,
    reason: `${formatAmount(capacity.cores, 'core')}: ${reason}${filled ? ', threads for the other cores' : ''}`,
    advice: adviseCores(chosen, wishes, capacity) ?? adviseShards(chosen),
  }
}

/** A crew whose workers are all elsewhere. */
export function chooseRemoteCrew({ threads, shards, minWorkers }: CrewWishes): Crew {
  return {
    workers: 0,
    threads: threads ?? 1,
    shards: shards ?? minWorkers ?? 1,
    reason: 'from elsewhere',
    advice: null,
  }
}

/** Workers of a host that computes for a coordinator elsewhere: how many shards there are, it does not know. */
export function workersOfHost(threads: number, { cores, memoryBytes }: Capacity): number {
  return Math.max(1, Math.min(Math.floor(cores / threads), workersInMemory(memoryBytes)))
}

/** As many as half of the memory holds. */
function workersInMemory(memoryBytes: number): number {
  return Math.floor(memoryBytes / 2 / workerMemoryBytes)
}

function chooseWorkers(wishes: CrewWishes, { cores, memoryBytes }: Capacity): Pick<Crew, 'workers' | 'reason'> {
  if (wishes.workers !== null) return { workers: wishes.workers, reason: 'as many workers as asked for' }
  const threads = wishes.threads ?? 1
  const limits = [
    {
      workers: Math.floor(cores / threads),
      reason: `one worker for ${threads === 1 ? 'each core' : `${threads} cores`}`,
    },
    wishes.shards === null
      ? {
          workers: Math.floor(wishes.batchSize / leastShardSamples),
          reason: `one worker for ${leastShardSamples} samples`,
        }
      : { workers: wishes.shards, reason: 'one worker for each shard' },
    { workers: workersInMemory(memoryBytes), reason: 'as many workers as half of the memory holds' },
  ]
  const tightest = limits.reduce((least, limit) => (limit.workers < least.workers ? limit : least))
  return { ...tightest, workers: Math.max(1, tightest.workers) }
}

function chooseThreads(
  { workers, shards }: Pick<Crew, 'workers' | 'shards'>,
  wishes: CrewWishes,
  { cores }: Capacity,
): number {
  if (wishes.shards !== null || wishes.minWorkers !== null) return 1
  const byCores = Math.floor(cores / workers)
  const bySamples = Math.floor(wishes.batchSize / shards / samplesPerThread)
  return Math.max(1, Math.min(byCores, bySamples))
}

type Numbers = Pick<Crew, 'workers' | 'threads' | 'shards'>

function adviseCores({ workers, threads, shards }: Numbers, wishes: CrewWishes, { cores }: Capacity): string | null {
  const idle = cores - workers * threads
  if (idle < 0)
    return `${workers * threads} threads share ${formatAmount(cores, 'core')}: fewer workers would do as well`
  if (idle === 0) return null
  const remedy = remedyForIdle({ workers, threads, shards }, wishes, cores)
  return remedy === null ? null : `${formatAmount(idle, 'core')} would stay idle: ${remedy}`
}

/** What would use more of the cores; null where nothing does that the run may be given. */
function remedyForIdle({ workers, threads, shards }: Numbers, wishes: CrewWishes, cores: number): string | null {
  if (wishes.isResumed) return wishes.workers !== null && workers < shards ? 'more --workers' : null
  if (wishes.workers === null) return 'a larger --batch-size could use more'
  const fitting = Math.floor(cores / workers)
  return fitting > threads ? `more --workers, or --threads ${fitting}` : 'more --workers'
}

function adviseShards({ workers, shards }: Numbers): string | null {
  return workers > shards ? `${workers} workers for ${formatAmount(shards, 'shard')}: some have nothing to do` : null
}
