import type { Cancel, Clock } from '@lockstep/protocol'
import type { SimulatedTime } from '@lockstep/protocol/testing'

/** How a process ends: its kernel closes its connections, or the whole machine is gone and nobody is told. */
export type Ending = 'exit' | 'kill' | 'power-loss'

/**
 * One life of a simulated program. The program runs as it is; only what it does outside of itself passes through here. From
 * its death on nothing that it does has an effect, and nothing reaches it: it has stopped in the middle of whatever it did.
 */
export type SimulatedProcess = {
  readonly name: string
  /** The machine that it runs on. */
  readonly host: string
  readonly clock: Clock
  readonly isAlive: () => boolean
  readonly isSuspended: () => boolean
  /** Something reaches it from outside: at once, when it is resumed, or never. */
  readonly reach: (action: () => void) => void
  /** It does something outside of itself. False when it is dead: then nothing happens. */
  readonly act: () => boolean
  /** Dies in the middle of what it will then be doing, after so many acts more. */
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

  /** A period that passes while the process is suspended makes one call, not many. */
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
      // Each as an event of its own, in the order in which it came.
      for (const action of due) time.after(0, () => reach(action))
    },
    onEnd: listener => void listeners.push(listener),
  }
}
