import { createSimulatedTime, type SimulatedTime } from '@lockstep/protocol/testing'
import { createProcess, type SimulatedProcess } from '../../src/world/process.ts'

export type Stage = {
  readonly time: SimulatedTime
  readonly enter: (name: string) => SimulatedProcess
  /** Lets everything happen that is to happen, and what follows from it. */
  readonly play: () => Promise<void>
}

/** A simulated world without a run. */
export function createStage(): Stage {
  const time = createSimulatedTime()
  return {
    time,
    enter: name => createProcess(time, name, name),
    play: async () => {
      do await new Promise(resolve => setImmediate(resolve))
      while (time.advance())
    },
  }
}
