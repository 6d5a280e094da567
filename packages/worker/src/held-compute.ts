import { LockstepError, type MessageOf } from '@lockstep/protocol'
import type { Provisioned } from '@lockstep/tensorflow'
import { type Compute, startCompute as startThread } from './compute.ts'

/** Keeps the computing thread across reconnections to the same run. */
export type HeldCompute = {
  /** The thread for the run of this welcome. A thread of another run is stopped first. */
  readonly prepare: (welcome: MessageOf<'welcome'>) => Promise<Compute>
  /** The thread hangs: the next connection gets another one. */
  readonly giveUp: () => void
  /** Stops the thread, or prevents its start. Does not wait for provisioning in progress. */
  readonly stop: () => Promise<void>
}

type Holding = {
  readonly runId: string
  phase: 'provisioning' | 'started' | 'released'
  hangs: boolean
  starting: Promise<Compute> | null
}

/** `provision` is called before TensorFlow is loaded, with the number of threads that the run prescribes. */
export function createHeldCompute(
  provision: (threads: number) => Promise<Provisioned>,
  startCompute: typeof startThread = startThread,
): HeldCompute {
  let held: Holding | null = null

  function prepare(welcome: MessageOf<'welcome'>): Promise<Compute> {
    if (held?.runId !== welcome.runId || held.hangs) {
      const [previous, next] = [held, newHolding(welcome.runId)]
      held = next
      next.starting = release(previous).then(() => start(next, welcome))
    }
    return held.starting!
  }

  async function start(holding: Holding, { config, topology }: MessageOf<'welcome'>): Promise<Compute> {
    const provisioned = await provision(config.threads)
    if (holding.phase === 'released') throw new LockstepError('compute-failed', 'the worker has left')
    holding.phase = 'started'
    return startCompute({ config, topology, provisioned })
  }

  function giveUp(): void {
    if (held !== null) held.hangs = true
  }

  return { prepare, giveUp, stop: () => release(held) }
}

function newHolding(runId: string): Holding {
  return { runId, phase: 'provisioning', hangs: false, starting: null }
}

async function release(holding: Holding | null): Promise<void> {
  if (holding === null) return
  const { phase } = holding
  holding.phase = 'released'
  if (phase === 'provisioning') return
  const compute = await holding.starting?.catch(() => null)
  const stopped = compute?.stop()
  // A hung thread may never end.
  if (!holding.hangs) await stopped
}
