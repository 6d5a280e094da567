import { availableParallelism } from 'node:os'
import { readMemory, workerMemoryBytes } from '@lockstep/tensorflow/machine-memory'
import { formatAmount } from '../terminal/format.ts'

/** The resources of this machine that workers may use. */
export type Capacity = { readonly cores: number; readonly memoryBytes: number }

/** Settings fixed by the user or by the resumed run; null for those to be chosen. */
export type WorkerRequest = {
  readonly workers: number | null
  readonly threads: number | null
  readonly shards: number | null
  readonly minWorkers: number | null
  readonly batchSize: number
  /** Whether a run is resumed, so that only the number of workers may change. */
  readonly isResumed: boolean
}

export type WorkerSetup = {
  /** Worker processes on this machine. */
  readonly workers: number
  readonly threads: number
  readonly shards: number
  /** Why this number of workers and threads was chosen. */
  readonly reason: string
  /** How to use the machine better, or null. */
  readonly advice: string | null
}

/** With smaller shards, messages and the replica's step cost more than another worker gains. */
const leastShardSamples = 12

/** Samples of a shard for each TensorFlow thread; with fewer, another thread costs more than it gains. */
const samplesPerThread = 6

export function readCapacity(): Capacity {
  return { cores: availableParallelism(), memoryBytes: readMemory().totalBytes }
}

/**
 * Chooses workers, threads and shards of a run on this machine. One single-threaded worker per core is best while the
 * batch gives each a large enough shard; beyond that, more threads per worker use the remaining cores. If the shards
 * are fixed or workers on other machines are expected, each worker has one thread, so that the weights do not depend on
 * which machine computes them.
 */
export function chooseWorkers(request: WorkerRequest, capacity: Capacity): WorkerSetup {
  const { workers, reason } = chooseWorkerCount(request, capacity)
  const shards = request.shards ?? Math.max(workers, request.minWorkers ?? 0)
  const threads = request.threads ?? chooseThreads({ workers, shards }, request, capacity)
  const chosen = { workers, threads, shards }
  const filled = request.threads === null && threads > 1
  const advice = [adviseCores(chosen, request, capacity), adviseShards(chosen)].filter(each => each !== null)
  return {
    ...chosen,
    reason: `${formatAmount(capacity.cores, 'core')}: ${reason}${filled ? ', threads for the other cores' : ''}`,
    advice: advice.length === 0 ? null : advice.join('; '),
  }
}

/** The workers of a coordinator that starts none itself. */
export function chooseRemoteWorkers({ threads, shards, minWorkers }: WorkerRequest): WorkerSetup {
  return {
    workers: 0,
    threads: threads ?? 1,
    shards: shards ?? minWorkers ?? 1,
    reason: 'from elsewhere',
    advice: null,
  }
}

/** The number of workers on a host that computes for a coordinator elsewhere. It does not know the number of shards. */
export function workersOfHost(threads: number, { cores, memoryBytes }: Capacity): number {
  return Math.max(1, Math.min(Math.floor(cores / threads), workersInMemory(memoryBytes)))
}

/** The number of workers that fit in half of the memory. */
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
    return `${workers * threads} threads share ${formatAmount(cores, 'core')}: fewer workers would be as fast`
  if (idle === 0) return null
  const remedy = remedyForIdle({ workers, threads, shards }, request, cores)
  return remedy === null ? null : `${formatAmount(idle, 'core')} would stay idle: ${remedy}`
}

/** How to use more of the cores; null if the run allows no such change. */
function remedyForIdle({ workers, threads, shards }: Numbers, request: WorkerRequest, cores: number): string | null {
  if (request.isResumed) return request.workers !== null && workers < shards ? 'more --workers' : null
  if (request.workers === null) return 'a larger --batch-size could use more'
  const fitting = Math.floor(cores / workers)
  return fitting > threads ? `more --workers, or --threads ${fitting}` : 'more --workers'
}

function adviseShards({ workers, shards }: Numbers): string | null {
  return workers > shards ? `${workers} workers for ${formatAmount(shards, 'shard')}: some have nothing to do` : null
}
