import { describeInLine, type LockstepError } from '@lockstep/protocol'
import type { EventListener } from '../events.ts'
import { createStepTiming, type StepTiming } from './step-timing.ts'
import { createTrace } from './trace.ts'
import { createTraceFile } from './trace-file.ts'

export type TimingOptions = {
  /** Whether each step gets a line in `metrics.jsonl`. */
  readonly logSteps: boolean
  /** The file for the first steps in Chrome's trace event format, and how many; null for no trace. */
  readonly trace: { readonly file: string; readonly steps: number } | null
  readonly onEvent: EventListener
}

/** The timing of a run, and where it is written. */
export type RunTiming = {
  readonly steps: StepTiming
  /** A listener that takes the workers' names for the trace and then passes events on. */
  readonly listen: (onEvent: EventListener) => EventListener
  /** Writes the rest of the trace. */
  readonly close: () => void
}

/** Throws `disk-full` or `file-not-written` where the trace file cannot be created. */
export function openRunTiming(
  { logSteps, trace: wanted, onEvent }: TimingOptions,
  warmUpSteps: number,
  nowMs: () => number,
): RunTiming {
  const onEnd = (error: LockstepError) => onEvent({ type: 'trace-ended', reason: describeInLine(error) })
  const file = wanted === null ? null : createTraceFile(wanted.file, onEnd)
  const trace = file === null || wanted === null ? null : createTrace(file, nowMs(), wanted.steps)
  return {
    steps: createStepTiming({ nowMs, warmUpSteps, logsSteps: logSteps, trace }),
    listen: listener => event => {
      if (event.type === 'worker-joined') {
        const { id, name, host } = event.worker
        trace?.name(id, `worker ${id}: ${name} on ${host}`)
      }
      listener(event)
    },
    close: () => file?.close(),
  }
}
