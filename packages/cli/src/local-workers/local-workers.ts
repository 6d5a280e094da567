import type { Cancel, Clock } from '@lockstep/protocol'
import type { WorkerProcess } from './fork-worker.ts'
import { createRestarts, type RestartRule, type Restarts } from './restarts.ts'

/** How long workers have to say goodbye at the end of a run. */
export const workerGraceMs = 5_000

/** A worker that dies for the fifth time in a minute would die again. */
export const workerRestartRule: RestartRule = {
  deaths: 5,
  windowMs: 60_000,
  backOff: { firstMs: 500, longestMs: 10_000 },
}

/** What becomes of a worker that has died: it is started again after a pause, or stays out. */
export type WorkerDeath = {
  readonly name: string
  /** `exit code 1`, or the name of a signal. */
  readonly ending: string
  /** Null where it stays out. */
  readonly restartInMs: number | null
  /** Workers that have not been given up. */
  readonly left: number
}

export type LocalWorkersOptions = {
  readonly count: number
  /** Of their names, which end with a number: `local-1`. */
  readonly prefix?: string
  readonly start: (name: string) => WorkerProcess
  /** Asks to stop, of which the workers hear from the coordinator: once it is aborted nobody is started any more. */
  readonly stop: AbortSignal
  readonly clock: Clock
  /** At least 0 and less than 1. */
  readonly random: () => number
  readonly onDeath: (death: WorkerDeath) => void
}

/** The worker processes of this machine. */
export type LocalWorkers = {
  /** Workers that have not been given up. */
  readonly left: () => number
  /** Resolves when none runs, nor will without a recall. */
  readonly over: Promise<void>
  /** Starts those again that have ended because their work was done. */
  readonly recall: () => void
  /** Resolves when all have ended; kills those that have not after `graceMs`. */
  readonly stop: (graceMs: number) => Promise<void>
}

/** One of the workers, whatever process it is at the time. */
type Place = {
  readonly name: string
  readonly restarts: Restarts
  phase: 'running' | 'waiting' | 'home' | 'out'
  process: WorkerProcess | null
  cancelRestart: Cancel
}

/** Starts so many workers, and again whenever one dies. One that ends with exit code 0 has been sent home. */
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
