import type { Cancel, Clock } from '@lockstep/protocol'
import type { SimulatedTime } from '@lockstep/protocol/testing'

/**
 * How a process ends. After `exit` and `kill` its kernel closes its connections; after `power-loss` the whole machine
 * is gone and nobody is told.
 */
export type Ending = 'exit' | 'kill' | 'power-loss'

/**
 * One life of a simulated program. The program runs unchanged; only its actions on the outside pass through here. After
 * its death no action has an effect and nothing reaches it, so it stops in the middle of what it was doing.
 */
export type SimulatedProcess = {
  readonly name: string
  /** The machine on which it runs. */
  readonly host: string
  readonly clock: Clock
  readonly isAlive: () => boolean
  readonly isSuspended: () => boolean
  /** Something reaches the process from outside: at once, when it is resumed, or never. */
  readonly reach: (action: () => void) => void
  /** The process acts on the outside. False when it is dead: then the action must not happen. */
  readonly act: () => boolean
  /** Makes it die in the middle of its work, after this many more acts. */
  readonly dieAfter: (acts: number, ending: Ending) => void
  readonly end: (ending: Ending) => void
  readonly suspend: () => void
  readonly resume: () => void
  readonly onEnd: (listener: (ending: Ending) => void) => void
}

export function createProcess(time: SimulatedTime, name: string, host: string): SimulatedProcess {
  const listeners: ((ending: Ending) => void)[] = []
  let held: (() => void)[] = []
  let [alive, suspended] = [true, false]
  let doom: { left: number; readonly ending: Ending } | null = null

  function reach(action: () => void): void {
    if (!alive) return
    if (suspended) held.push(action)
    else action()
  }

  function act(): boolean {
    if (alive && doom !== null && doom.left-- <= 0) end(doom.ending)
    return alive
  }

  function end(ending: Ending): void {
    if (!alive) return
    alive = false
    held = []
    for (const listener of listeners) listener(ending)
  }

  function after(delayMs: number, action: () => void): Cancel {
    let called = false
    const run = () => {
      if (!called) action()
    }
    const cancel = time.after(delayMs, () => reach(run))
    return () => {
      called = true
      cancel()
    }
  }

  /** However many periods pass while the process is suspended, they make one call. */
  function every(periodMs: number, action: () => void): Cancel {
    let cancel: Cancel = () => undefined
    let ended = false
    const turn = () => {
      cancel = after(periodMs, () => {
        action()
        if (!ended) turn()
      })
    }
    turn()
    return () => {
      ended = true
      cancel()
    }
  }

  return {
    name,
    host,
    clock: { nowMs: time.nowMs, after, every },
    isAlive: () => alive,
    isSuspended: () => suspended,
    reach,
    act,
    dieAfter: (acts, ending) => {
      doom = { left: acts, ending }
    },
    end,
    suspend: () => {
      suspended = true
    },
    resume: () => {
      suspended = false
      const due = held
      held = []
      // Each as an event of its own, in the order of arrival.
      for (const action of due) time.after(0, () => reach(action))
    },
    onEnd: listener => void listeners.push(listener),
  }
}
