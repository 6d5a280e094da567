import type { GroupEnd } from './direct/groups.ts'
import type { Topology } from './direct/topology.ts'
import type { EpochMetrics, LossCause } from './metrics.ts'

export type WorkerFacts = {
  readonly id: number
  readonly name: string
  readonly host: string
  readonly device: string
  readonly cores: number
  /** What computes, including everything known to change the last bits of a gradient. */
  readonly backend: string
}

export function describeWorker({ id, name, host }: WorkerFacts): string {
  return `worker ${id} (${name} on ${host})`
}

/** What a coordinator reports to code that shows or records the run. */
export type CoordinatorEvent =
  | { readonly type: 'listening'; readonly url: string }
  | { readonly type: 'worker-joined'; readonly worker: WorkerFacts; readonly active: number }
  | {
      readonly type: 'worker-lost'
      readonly worker: WorkerFacts
      readonly cause: LossCause
      readonly reason: string
      readonly active: number
    }
  /** A worker's backend differs from that of earlier workers, so the weights depend on which worker computes what. */
  | {
      readonly type: 'mixed-backends'
      readonly worker: WorkerFacts
      /** One worker for each other backend. */
      readonly others: readonly WorkerFacts[]
      /** Backends that the run used before its last start and that no current worker has. */
      readonly earlier: readonly string[]
    }
  /** No further step begins until `wanted` workers are active. With none, the run ends after `giveUpMs`. */
  | {
      readonly type: 'short-of-workers'
      readonly active: number
      readonly wanted: number
      readonly giveUpMs: number | null
    }
  /** An answer cannot be used. Its worker stays. */
  | { readonly type: 'answer-refused'; readonly worker: WorkerFacts; readonly reason: string }
  /** From this step on, counted from 1, audits have no second worker to compare with, for now. Reported once. */
  | { readonly type: 'unaudited'; readonly step: number }
  | { readonly type: 'refused'; readonly address: string; readonly reason: string }
  | { readonly type: 'phase'; readonly phase: Phase; readonly active: number }
  | ({ readonly type: 'step' } & StepReport)
  | { readonly type: 'epoch'; readonly metrics: EpochMetrics }
  /** All workers have links to each other. */
  | { readonly type: 'group-linked'; readonly workers: number }
  /** The workers no longer exchange gradients among themselves, or could not be linked. */
  | { readonly type: 'group-over'; readonly cause: GroupEnd; readonly reason: string }
  /** The topology from here on, and why. */
  | { readonly type: 'topology'; readonly topology: Topology; readonly reason: string }
  | { readonly type: 'checkpoint'; readonly path: string; readonly step: number }
  /** A write has failed, for a reason not reported since the last success. It will be retried. */
  | { readonly type: 'not-written'; readonly what: 'checkpoint' | 'metrics'; readonly reason: string }
  | { readonly type: 'written-again'; readonly what: 'checkpoint' | 'metrics' }
  /** Lines of steps were discarded: they could not be written, and too many were queued. */
  | { readonly type: 'lines-lost'; readonly lines: number }
  /** The run folder had been removed during the run, and has been created again. */
  | { readonly type: 'folder-restored'; readonly path: string }
  /** A write of the trace has failed. The file keeps what was written before. */
  | { readonly type: 'trace-ended'; readonly reason: string }
  /** The run is interrupted at this step. The step in progress is abandoned, because its answers stopped coming. */
  | { readonly type: 'abandoned'; readonly step: number; readonly reason: string }
  /** A failing run could not save the state it had reached. */
  | { readonly type: 'state-not-saved'; readonly step: number; readonly reason: string }

export type Phase = 'waiting for workers' | 'training' | 'validating' | 'testing'

export type StepReport = {
  readonly epoch: number
  /** Finished batches of this epoch, and their total number. */
  readonly batch: number
  readonly batches: number
  /** Finished optimizer steps. */
  readonly step: number
  /** Means over the epoch so far. */
  readonly loss: number
  readonly accuracy: number
  readonly samples: number
  readonly active: number
}

export type EventListener = (event: CoordinatorEvent) => void
