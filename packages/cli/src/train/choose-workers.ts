import { availableParallelism } from 'node:os'
import { readMemory, workerMemoryBytes } from '@lockstep/tensorflow/machine-memory'
import { formatAmount } from '../terminal/format.ts'

/** What workers may use of this machine. */
export type Capacity = { readonly cores: number; readonly memoryBytes: number }

/** What the user has fixed of a run, or the run that is resumed; null where it is to be chosen. */
export type WorkerRequest = {
  readonly workers: number | null
  readonly threads: number | null
  readonly shards: number | null
  readonly minWorkers: number | null
  readonly batchSize: number
  /** Whether a run is gone on with, of which nothing but the number of workers may change. */
  readonly isResumed: boolean
}

export type WorkerSetup = {
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
export function chooseWorkers(request: WorkerRequest, capacity: Capacity): WorkerSetup {
  const { workers, reason } = chooseWorkerCount(request, capacity)
  const shards = request.shards ?? Math.max(workers, request.minWorkers ?? 0)
  const threads = request.threads ?? chooseThreads({ workers, shards }, request, capacity)
  const chosen = { workers, threads, shards }
  const filled = request.threads === null && threads > 1
  return {
    ...chosen,
    reason: `${formatAmount(capacity.cores, 'core')}: ${reason}${filled ? ', threads for the other cores' : ''}`,
    advice: adviseCores(chosen, request, capacity) ?? adviseShards(chosen),
  }
}

/** Workers that are all elsewhere. */
export function chooseRemoteWorkers({ threads, shards, minWorkers }: WorkerRequest): WorkerSetup {
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

function chooseWorkerCount(
  request: WorkerRequest,
  { cores, memoryBytes }: Capacity,
): Pick<WorkerSetup, 'workers' | 'reason'> {
  if (request.workers !== null) return { workers: request.workers, reason: 'as many workers as asked for' }
  const threads = request.threads ?? 1
  const limits = [
    {
      workers: Math.floor(cores / threads),
      reason: `one worker for ${threads === 1 ? 'each core' : `${threads} cores`}`,
    },
    request.shards === null
      ? {
          workers: Math.floor(request.batchSize / leastShardSamples),
          reason: `one worker for ${leastShardSamples} samples`,
        }
      : { workers: request.shards, reason: 'one worker for each shard' },
    { workers: workersInMemory(memoryBytes), reason: 'as many workers as half of the memory holds' },
  ]
  const tightest = limits.reduce((least, limit) => (limit.workers < least.workers ? limit : least))
  return { ...tightest, workers: Math.max(1, tightest.workers) }
}

function chooseThreads(
  { workers, shards }: Pick<WorkerSetup, 'workers' | 'shards'>,
  request: WorkerRequest,
  { cores }: Capacity,
): number {
  if (request.shards !== null || request.minWorkers !== null) return 1
  const byCores = Math.floor(cores / workers)
  const bySamples = Math.floor(request.batchSize / shards / samplesPerThread)
  return Math.max(1, Math.min(byCores, bySamples))
}

type Numbers = Pick<WorkerSetup, 'workers' | 'threads' | 'shards'>

function adviseCores(
  { workers, threads, shards }: Numbers,
  request: WorkerRequest,
  { cores }: Capacity,
): string | null {
  const idle = cores - workers * threads
  if (idle < 0)
    return `${workers * threads} threads share ${formatAmount(cores, 'core')}: fewer workers would do as well`
  if (idle === 0) return null
  const remedy = remedyForIdle({ workers, threads, shards }, request, cores)
  return remedy === null ? null : `${formatAmount(idle, 'core')} would stay idle: ${remedy}`
}

/** What would use more of the cores; null where nothing does that the run may be given. */
function remedyForIdle({ workers, threads, shards }: Numbers, request: WorkerRequest, cores: number): string | null {
  if (request.isResumed) return request.workers !== null && workers < shards ? 'more --workers' : null
  if (request.workers === null) return 'a larger --batch-size could use more'
  const fitting = Math.floor(cores / workers)
  return fitting > threads ? `more --workers, or --threads ${fitting}` : 'more --workers'
}

function adviseShards({ workers, shards }: Numbers): string | null {
  return workers > shards ? `${workers} workers for ${formatAmount(shards, 'shard')}: some have nothing to do` : null
}
