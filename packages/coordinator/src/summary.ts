import type { Member } from './membership/member.ts'
import type { EpochMetrics, RunSummary } from './metrics.ts'
import type { RunPlan } from './plan.ts'
import type { RunState } from './run-state.ts'
import { bestEpoch } from './training/history.ts'

/** The part of a summary that is known before the run begins. */
export type SummaryFacts = Pick<
  RunSummary,
  | 'run'
  | 'runId'
  | 'dataset'
  | 'dataSource'
  | 'model'
  | 'parameters'
  | 'trainSamples'
  | 'validationSamples'
  | 'testSamples'
  | 'batchSize'
  | 'shards'
  | 'precision'
  | 'compress'
  | 'engine'
  | 'seed'
>

export function summaryFacts(run: string, { identity, config, ...plan }: RunPlan): SummaryFacts {
  const { dataset, model, batchSize, shards, precision, compress, engine, seed } = config
  return {
    run,
    runId: identity.runId,
    dataset,
    dataSource: plan.dataSource,
    model,
    parameters: plan.state.weights.length,
    trainSamples: plan.train.count,
    validationSamples: plan.validation?.count ?? 0,
    testSamples: plan.test.count,
    batchSize,
    shards,
    precision,
    compress,
    engine,
    seed,
  }
}

export function summarizeRun(
  facts: SummaryFacts,
  state: RunState,
  members: readonly Member[],
  outcome: Pick<RunSummary, 'status' | 'test' | 'topology' | 'audit' | 'phases' | 'weightsSha256'>,
): RunSummary {
  const { epochs, trainSeconds, measuredSamples, measuredSeconds } = state.history
  const last = epochs.at(-1)
  const best = bestEpoch(epochs)
  const backends = [...new Set([...(state.history.backends ?? []), ...members.map(member => member.facts!.backend)])]
  return {
    ...facts,
    ...outcome,
    epochs: epochs.length,
    steps: state.step,
    workers: members.length,
    backends,
    mixedBackends: backends.length > 1,
    trainSeconds,
    imagesPerSecond: measuredSeconds > 0 ? measuredSamples / measuredSeconds : null,
    final: last === undefined ? null : figures(last),
    best: best === null ? null : { epoch: best.epoch, step: best.step, ...figures(best) },
    perWorker: members.map(describeMember),
  }
}

function describeMember({ facts, gone, ...member }: Member): RunSummary['perWorker'][number] {
  const { id, name, host, device, backend } = facts!
  const { samples, shards, refused, cause } = member
  const outcome = gone ? member.outcome : 'stayed to the end'
  return { id, name, host, device, backend, samples, shards, refused, cause, outcome }
}

function figures({ trainLoss, trainAccuracy, validationLoss, validationAccuracy }: EpochMetrics) {
  return { trainLoss, trainAccuracy, validationLoss, validationAccuracy }
}
