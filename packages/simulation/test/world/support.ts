import { createSimulatedTime, type SimulatedTime } from '@lockstep/protocol/testing'
import { createProcess, type SimulatedProcess } from '../../src/world/process.ts'

export type Stage = {
  readonly time: SimulatedTime
  readonly enter: (name: string) => SimulatedProcess
  /** Runs all scheduled events, and those that follow from them. */
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
