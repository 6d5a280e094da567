import type { Cancel, Clock } from '@lockstep/protocol'
import type { WorkerProcess } from './fork-worker.ts'
import { createRestarts, type RestartRule, type Restarts } from './restarts.ts'

/** How long workers have to end by themselves at the end of a run. */
export const workerGraceMs = 5_000

/** A worker that dies five times within a minute is given up: it would die again. */
export const workerRestartRule: RestartRule = {
  deaths: 5,
  windowMs: 60_000,
  backOff: { firstMs: 500, longestMs: 10_000 },
}

/** A worker's death and its consequence: it is restarted after a pause, or given up. */
export type WorkerDeath = {
  readonly name: string
  /** `exit code 1`, or the name of a signal. */
  readonly ending: string
  /** Null if it is given up. */
  readonly restartInMs: number | null
  /** Number of workers that have not been given up. */
  readonly left: number
}

export type LocalWorkersOptions = {
  readonly count: number
  /** The first part of their names; the second is a number: `local-1`. */
  readonly prefix?: string
  readonly start: (name: string) => WorkerProcess
  /** After it is aborted, no worker is started. The coordinator tells the running workers to stop. */
  readonly stop: AbortSignal
  readonly clock: Clock
  /** At least 0 and less than 1. */
  readonly random: () => number
  readonly onDeath: (death: WorkerDeath) => void
}

/** The worker processes on this machine. */
export type LocalWorkers = {
  /** Number of workers that have not been given up. */
  readonly left: () => number
  /** Resolves when no worker is running or waiting for a restart. */
  readonly over: Promise<void>
  /** Restarts the workers that ended with exit code 0. */
  readonly recall: () => void
  /** Resolves when all have ended. After `graceMs` it kills the remaining ones. */
  readonly stop: (graceMs: number) => Promise<void>
}

/** A worker by its name. Its process changes with each restart. */
type Place = {
  readonly name: string
  readonly restarts: Restarts
  phase: 'running' | 'waiting' | 'home' | 'out'
  process: WorkerProcess | null
  cancelRestart: Cancel
}

/**
 * Starts `count` workers and restarts those that die. Exit code 0 means that the coordinator has dismissed a worker.
 */
export function startLocalWorkers(options: LocalWorkersOptions): LocalWorkers {
  const { count, prefix = 'local', start, clock, random, onDeath } = options
  const places = Array.from({ length: count }, (_, index) => newPlace(`${prefix}-${index + 1}`, random))
  let isStopping = options.stop.aborted
  let endOver: () => void = () => undefined
  const over = new Promise<void>(resolve => {
    endOver = resolve
  })
  if (!isStopping) for (const place of places) fill(place)
  options.stop.addEventListener('abort', restartNobody)
  lookForEnd()

  function fill(place: Place): void {
    const process = start(place.name)
    Object.assign(place, { phase: 'running', process } satisfies Partial<Place>)
    void process.ended.then(ending => empty(place, ending))
  }

  function empty(place: Place, ending: string): void {
    Object.assign(place, { phase: 'home', process: null } satisfies Partial<Place>)
    if (isStopping || ending === 'exit code 0') return lookForEnd()
    const restartInMs = place.restarts(clock.nowMs())
    place.phase = restartInMs === null ? 'out' : 'waiting'
    if (restartInMs !== null) place.cancelRestart = clock.after(restartInMs, () => fill(place))
    onDeath({ name: place.name, ending, restartInMs, left: left() })
    lookForEnd()
  }

  function left(): number {
    return places.filter(({ phase }) => phase !== 'out').length
  }

  function restartNobody(): void {
    isStopping = true
    for (const place of places) {
      place.cancelRestart()
      if (place.phase === 'waiting') place.phase = 'home'
    }
    lookForEnd()
  }

  function lookForEnd(): void {
    if (places.every(({ phase }) => phase === 'home' || phase === 'out')) endOver()
  }

  async function stop(graceMs: number): Promise<void> {
    options.stop.removeEventListener('abort', restartNobody)
    restartNobody()
    const running = places.flatMap(({ process }) => (process === null ? [] : [process]))
    const cancelKill = clock.after(graceMs, () => running.forEach(({ kill }) => void kill()))
    await Promise.all(running.map(({ ended }) => ended))
    cancelKill()
  }

  return {
    left,
    over,
    stop,
    recall: () => {
      for (const place of places) if (place.phase === 'home' && !isStopping) fill(place)
    },
  }
}

function newPlace(name: string, random: () => number): Place {
  const restarts = createRestarts(workerRestartRule, random)
  return { name, restarts, phase: 'home', process: null, cancelRestart: () => undefined }
}
