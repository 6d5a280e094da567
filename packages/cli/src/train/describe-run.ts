import { describeUnusable, type RunSummary } from '@lockstep/coordinator'
import type { Provisioned } from '@lockstep/tensorflow'
import { formatAmount, formatCount, formatDuration, formatNumber } from '../terminal/format.ts'
import type { WorkerSetup } from './choose-workers.ts'
import { evaluateCommand, resumeCommand } from './next-commands.ts'
import type { PreparedRun, TrainingRequest } from './prepare-run.ts'

/** Describes a run before its start: model, data set, workers and backend. */
export function describeStart(prepared: PreparedRun, provisioned: Provisioned | null): string {
  const { plan, folder, resumed, workerSetup } = prepared
  const { config, state, train, validation, test } = plan
  const samples = [`${formatCount(train.count)} train`, `${formatCount(test.count)} test`]
  if (validation !== null) samples.splice(1, 0, `${formatCount(validation.count)} validate`)
  const lines = [
    plan.modelSummary,
    field('data', `${config.dataset} (${plan.dataSource}): ${samples.join(', ')}`),
    field(
      'step',
      `batch ${config.batchSize} in ${formatAmount(config.shards, 'shard')}, ${describeRecipe(prepared)}, seed ${config.seed}`,
    ),
    field('workers', describeWorkers(workerSetup)),
  ]
  if (workerSetup.advice !== null) lines.push(field('', workerSetup.advice))
  if (provisioned !== null) lines.push(field('backend', describeBackend(provisioned)))
  lines.push(field('run', folder))
  for (const notice of resumed === null ? [] : describeUnusable(resumed)) lines.push(field('notice', notice))
  if (resumed !== null)
    lines.push(field('resumed', `at step ${formatCount(state.step)}, epoch ${state.position.epoch}`))
  return `${lines.join('\n')}\n\n`
}

function describeWorkers({ workers, threads, reason }: WorkerSetup): string {
  const each = formatAmount(threads, 'thread')
  return workers === 0 ? `${each} each, ${reason}` : `${workers} local × ${each} (${reason})`
}

export type EndedRun = {
  readonly summary: RunSummary
  readonly folder: string
  /** The request that started it. */
  readonly request: TrainingRequest
}

/**
 * Describes the results of a run, where they are and what to do with them.
 * @param keepsBest - whether the folder has separate weights of the best epoch
 */
export function describeEnd(ended: EndedRun, hasPlots: boolean, keepsBest = false): string {
  const { summary, folder } = ended
  const { status, epochs, steps, best, test, imagesPerSecond } = summary
  const speed = imagesPerSecond === null ? '' : `, ${formatCount(imagesPerSecond)} images/s`
  const lines = [
    '',
    field(
      status,
      `${formatAmount(epochs, 'epoch')}, ${formatAmount(steps, 'step')} in ${formatDuration(summary.trainSeconds)}${speed}`,
    ),
  ]
  if (best !== null) lines.push(field('best epoch', `${best.epoch}: ${describeBest(best)}`))
  if (keepsBest) lines.push(field('', 'for its weights: --weights best; the lines below are of the last weights'))
  if (test !== null)
    lines.push(field('test', `loss ${formatNumber(test.loss)}, accuracy ${formatNumber(test.accuracy)}`))
  lines.push(...describeDoubts(summary))
  lines.push(
    field('weights', `sha256 ${summary.weightsSha256}`),
    field('run', folder),
    ...(hasPlots && summary.status !== 'interrupted' ? [field('plots', `${folder}/plots`)] : []),
    ...nextSteps(ended, keepsBest),
  )
  return `${lines.join('\n')}\n`
}

/** The figures that make an epoch the best one. */
function describeBest(best: NonNullable<RunSummary['best']>): string {
  const figures = (loss: number, accuracy: number | null) =>
    `loss ${formatNumber(loss)}, accuracy ${formatNumber(accuracy)}`
  return best.validationLoss === null
    ? `training ${figures(best.trainLoss, best.trainAccuracy)}; nothing validated`
    : `validation ${figures(best.validationLoss, best.validationAccuracy)}`
}

/** Lines about different backends among the workers, the audit, and workers that gave unusable answers. */
function describeDoubts({ audit, perWorker, backends, mixedBackends }: RunSummary): string[] {
  const lines: string[] = []
  if (mixedBackends) lines.push(field('unlike', `${backends.join('; ')}: the weights depend on who computed what`))
  if (audit !== null) {
    const alone = audit.alone === 0 ? '' : `, ${formatCount(audit.alone)} only once for lack of a second worker`
    lines.push(field('audited', `${formatAmount(audit.compared, 'shard')} computed by two workers${alone}`))
  }
  for (const { id, name, refused, cause, outcome } of perWorker) {
    if (refused > 0) lines.push(field('refused', `worker ${id} (${name}): ${formatAmount(refused, 'answer')}`))
    if (cause === 'excluded') lines.push(field('lost', `worker ${id} (${name}), ${outcome}`))
  }
  return lines
}

function nextSteps({ summary, folder, request }: EndedRun, keepsBest: boolean): string[] {
  if (summary.status === 'interrupted') return [field('next', resumeCommand(folder, request))]
  const evaluate = evaluateCommand(folder, request)
  const commands = [evaluate, ...(keepsBest ? [`${evaluate} --weights best`] : []), 'pnpm cli runs']
  return commands.map((command, index) => field(index === 0 ? 'next' : '', command))
}

function describeRecipe({ plan: { config } }: PreparedRun): string {
  const { optimizer, learningRate, momentum, schedule, warmup, weightDecay, labelSmoothing, augment, compress } = config
  const parts = [optimizer === 'adam' ? `Adam at ${learningRate}` : `SGD at ${learningRate} with momentum ${momentum}`]
  if (schedule !== 'constant') parts.push(`schedule ${schedule}`)
  if (warmup > 0) parts.push(`warm-up ${warmup === 1 ? '1 epoch' : `${warmup} epochs`}`)
  if (weightDecay > 0) parts.push(`weight decay ${weightDecay}`)
  if (labelSmoothing > 0) parts.push(`label smoothing ${labelSmoothing}`)
  if (augment) parts.push('augmented')
  if (compress !== 'none') parts.push(`gradients sent in ${compress}`)
  return parts.join(', ')
}

function describeBackend({ backend, version }: Provisioned): string {
  return backend === 'tensorflow'
    ? `TensorFlow ${version}`
    : `WebAssembly (tfjs ${version}): much slower than TensorFlow`
}

function field(name: string, value: string): string {
  return `${name.padEnd(15)}${value}`
}
