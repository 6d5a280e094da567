import type { GroupEnd } from './direct/groups.ts'
import type { Topology } from './direct/topology.ts'
import type { EpochMetrics, LossCause } from './metrics.ts'

export type WorkerFacts = {
  readonly id: number
  readonly name: string
  readonly host: string
  readonly device: string
  readonly cores: number
  /** What computes, with all that is known to change the last bits of a gradient. */
  readonly backend: string
}

export function describeWorker({ id, name, host }: WorkerFacts): string {
  return `worker ${id} (${name} on ${host})`
}

/** What a coordinator tells whoever shows or records the run. */
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
  /** A worker computes on something else than those before it: the weights depend on who computes what. */
  | {
      readonly type: 'mixed-backends'
      readonly worker: WorkerFacts
      /** One with each other backend. */
      readonly others: readonly WorkerFacts[]
      /** On which the run was computed before its last start, and now nobody has come with. */
      readonly earlier: readonly string[]
    }
  /** No further step is begun until so many are there; without any, the run ends after `giveUpMs`. */
  | {
      readonly type: 'short-of-workers'
      readonly active: number
      readonly wanted: number
      readonly giveUpMs: number | null
    }
  /** An answer of a worker, which stays, cannot be used. */
  | { readonly type: 'answer-refused'; readonly worker: WorkerFacts; readonly reason: string }
  /** From this step on, counted from 1, audits have nothing to compare with, for now. Told once. */
  | { readonly type: 'unaudited'; readonly step: number }
  | { readonly type: 'refused'; readonly address: string; readonly reason: string }
  | { readonly type: 'phase'; readonly phase: Phase; readonly active: number }
  | ({ readonly type: 'step' } & StepReport)
  | { readonly type: 'epoch'; readonly metrics: EpochMetrics }
  /** All workers have links to each other. */
  | { readonly type: 'group-linked'; readonly workers: number }
  /** They exchange no gradients among themselves any more, or could not be linked to do so. */
  | { readonly type: 'group-over'; readonly cause: GroupEnd; readonly reason: string }
  /** Which way the gradients go from here on, and why. */
  | { readonly type: 'topology'; readonly topology: Topology; readonly reason: string }
  | { readonly type: 'checkpoint'; readonly path: string; readonly step: number }
  /** A write has failed, for a reason that has not been told since the last one that succeeded. It will be tried again. */
  | { readonly type: 'not-written'; readonly what: 'checkpoint' | 'metrics'; readonly reason: string }
  | { readonly type: 'written-again'; readonly what: 'checkpoint' | 'metrics' }
  /** Lines of steps that could not be written and were too many to be kept. */
  | { readonly type: 'lines-lost'; readonly lines: number }
  /** The run folder had been removed while the run went on. */
  | { readonly type: 'folder-restored'; readonly path: string }
  /** A write of the trace has failed: it holds what was written before. */
  | { readonly type: 'trace-ended'; readonly reason: string }
  /** The run is interrupted as it was after so many steps: of what was under way too little came. */
  | { readonly type: 'abandoned'; readonly step: number; readonly reason: string }
  /** A run that fails could not keep the state that it has come to. */
  | { readonly type: 'state-not-saved'; readonly step: number; readonly reason: string }

export type Phase = 'waiting for workers' | 'training' | 'validating' | 'testing'

export type StepReport = {
  readonly epoch: number
  /** Batches of this epoch that are done, and all of them. */
  readonly batch: number
  readonly batches: number
  /** Optimizer steps that are done. */
  readonly step: number
  /** Means over the epoch so far. */
  readonly loss: number
  readonly accuracy: number
  readonly samples: number
  readonly active: number
}

export type EventListener = (event: CoordinatorEvent) => void
