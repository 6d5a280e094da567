import type { CoordinatorEvent, EpochMetrics, Phase, StepReport } from '@lockstep/coordinator'
import type { RunConfig } from '@lockstep/protocol'
import { formatAmount, formatCount, formatDuration, formatNumber } from '../terminal/format.ts'
import { createRateMeter } from '../terminal/rate-meter.ts'
import { createTrainingProgress, type TrainingState } from '../terminal/training-progress.ts'
import { describeMixedBackends } from './mixed-backends.ts'
import type { Reporter } from './reporter.ts'
import type { RunView } from './reporters.ts'

const shownPhases: Readonly<Record<Phase, TrainingState['phase']>> = {
  'waiting for workers': 'waiting',
  training: 'training',
  validating: 'validating',
  testing: 'testing',
}

export type TerminalReporterOptions = Omit<RunView, 'logSteps'> & { readonly stream: NodeJS.WriteStream }

/** Shows a progress bar during training, and a line for each epoch and each worker that joins, leaves or is refused. */
export function createTerminalReporter(options: TerminalReporterOptions): Reporter {
  const { config, trainSamples, workersWanted, quorum } = options
  const progress = createTrainingProgress(options.stream)
  const rate = createRateMeter()
  const evaluation = { startedAtMs: 0, lastSeconds: 0 }
  let toldEpoch = 0
  let toldIdle = false
  let shown: TrainingState = { ...emptyState(config), workersWanted, workersNeeded: workersWanted }

  function show(change: Partial<TrainingState>): void {
    shown = { ...shown, ...change }
    progress.update(shown)
  }

  function step(report: StepReport): void {
    rate.add(performance.now(), trainSamples * (report.epoch - 1) + report.samples)
    const { epoch, batch, batches, loss, accuracy, active } = report
    const imagesPerSecond = rate.perSecond() ?? null
    const secondsLeft = imagesPerSecond === null ? null : timeLeft(report, imagesPerSecond)
    show({
      phase: 'training',
      epoch,
      step: batch,
      steps: batches,
      loss,
      accuracy,
      imagesPerSecond,
      secondsLeft,
      workersAlive: active,
    })
  }

  function timeLeft({ epoch, samples }: StepReport, imagesPerSecond: number): number {
    const epochsLeft = config.epochs - epoch
    const samplesLeft = trainSamples - samples + epochsLeft * trainSamples
    return samplesLeft / imagesPerSecond + (epochsLeft + 1) * evaluation.lastSeconds
  }

  function phase(next: Phase, active: number): void {
    if (next === 'validating') evaluation.startedAtMs = performance.now()
    show({
      phase: shownPhases[next],
      workersAlive: active,
      ...(next === 'training' ? { workersNeeded: quorum } : {}),
    })
  }

  function epoch(metrics: EpochMetrics): void {
    if (metrics.validationLoss !== null) evaluation.lastSeconds = (performance.now() - evaluation.startedAtMs) / 1000
    // After a coordinator has died an epoch may end twice; show it once.
    if (metrics.epoch > toldEpoch) progress.line(epochLine(metrics, config))
    toldEpoch = Math.max(toldEpoch, metrics.epoch)
  }

  /** Reports idle workers once. If the run waited for that many workers, its start has already reported them. */
  function lookForIdle(active: number): void {
    if (toldIdle || active <= Math.max(config.shards, workersWanted)) return
    toldIdle = true
    progress.line(describeIdle(active, config.shards))
  }

  function event(next: CoordinatorEvent): void {
    if (next.type === 'step') return step(next)
    if (next.type === 'phase') return phase(next.phase, next.active)
    if (next.type === 'epoch') return epoch(next.metrics)
    const line = describeEvent(next)
    if (line !== null) progress.line(line)
    if (next.type === 'worker-joined') lookForIdle(next.active)
    if ('active' in next) show({ workersAlive: next.active })
  }

  return { event, note: progress.line, stop: async () => progress.stop() }
}

/**
 * `epoch  3/100   loss 0.9581  accuracy 0.6602   validation loss 1.0321  accuracy 0.6415   12 s  3,311 images/s`, with
 * `rate 9.2e-4` before the time if the learning rate changes.
 */
function epochLine(
  metrics: EpochMetrics,
  { epochs, schedule, warmup }: Pick<RunConfig, 'epochs' | 'schedule' | 'warmup'>,
): string {
  const { epoch, trainLoss, trainAccuracy, validationLoss, validationAccuracy, seconds, imagesPerSecond } = metrics
  const figures = (loss: number, accuracy: number) => `loss ${formatNumber(loss)}  accuracy ${formatNumber(accuracy)}`
  const parts = [`epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`, figures(trainLoss, trainAccuracy)]
  if (validationLoss !== null && validationAccuracy !== null) {
    parts.push(`validation ${figures(validationLoss, validationAccuracy)}`)
  }
  if (schedule !== 'constant' || warmup > 0) parts.push(`rate ${metrics.learningRate.toExponential(1)}`)
  return [...parts, `${formatDuration(seconds)}  ${formatCount(imagesPerSecond)} images/s`].join('   ')
}

function describeEvent(event: CoordinatorEvent): string | null {
  switch (event.type) {
    case 'listening':
      return `listening on ${event.url}`
    case 'worker-joined': {
      const { id, name, host, device, backend } = event.worker
      return `worker ${id} joined: ${name} on ${host} (${device}, ${backend}); ${event.active} active`
    }
    case 'mixed-backends':
      return describeMixedBackends(event)
    case 'worker-lost':
      return `worker ${event.worker.id} lost: ${event.worker.name} on ${event.worker.host}, ${event.reason}; ${event.active} active`
    case 'short-of-workers':
      return describeShortage(event)
    case 'answer-refused':
      return `rejected an answer from worker ${event.worker.id}: ${event.worker.name} on ${event.worker.host}, ${event.reason}`
    case 'unaudited':
      return `step ${event.step} is not audited: that takes two workers`
    case 'refused':
      return `refused ${event.address}: ${event.reason}`
    case 'abandoned':
      return `${event.reason}: unfinished work is abandoned, and the run is saved as of step ${event.step}`
    case 'not-written':
    case 'written-again':
    case 'lines-lost':
    case 'folder-restored':
    case 'trace-ended':
    case 'state-not-saved':
      return describeRecords(event)
    case 'group-over':
      return `direct exchange is off for now: ${event.reason}`
    case 'topology':
      return `topology: ${event.topology} (${event.reason})`
    default:
      return null
  }
}

function describeIdle(active: number, shards: number): string {
  const idle = active - shards
  const rest = `${idle} ${idle === 1 ? 'has' : 'have'} nothing to do in a step`
  return `${active} workers for ${formatAmount(shards, 'shard')}: ${rest}; a new run with --shards ${active} has one for each`
}

function describeShortage({ active, wanted, giveUpMs }: CoordinatorEvent & { type: 'short-of-workers' }): string {
  const patience = giveUpMs === null ? '' : `; giving up in ${formatDuration(giveUpMs / 1000)}`
  return `waiting for workers: ${active} of at least ${wanted} connected${patience}`
}

type RecordsEvent = Extract<
  CoordinatorEvent,
  {
    readonly type:
      | 'not-written'
      | 'written-again'
      | 'lines-lost'
      | 'folder-restored'
      | 'trace-ended'
      | 'state-not-saved'
  }
>

/** Describes events about the run's files. */
function describeRecords(event: RecordsEvent): string {
  switch (event.type) {
    case 'not-written':
      return event.what === 'checkpoint'
        ? `WARNING: no checkpoint: ${event.reason}; training continues, and the next one is tried when it is due`
        : `WARNING: metrics are kept in memory: ${event.reason}; training continues, and they will be written as soon as possible`
    case 'written-again':
      return event.what === 'checkpoint' ? 'checkpoints are written again' : 'the metrics kept in memory are written'
    case 'lines-lost':
      return `WARNING: ${formatAmount(event.lines, 'line')} of steps are lost: they could not be written for too long`
    case 'folder-restored':
      return `WARNING: ${event.path} was removed: it is created again, without the files that were only there`
    case 'trace-ended':
      return `WARNING: the trace ends here: ${event.reason}; training continues`
    case 'state-not-saved':
      return `WARNING: the state after step ${event.step} is not saved: ${event.reason}`
  }
}

function emptyState(config: RunConfig): Omit<TrainingState, 'workersWanted' | 'workersNeeded'> {
  const figures = { loss: null, accuracy: null, imagesPerSecond: null, secondsLeft: null }
  return { epoch: 1, epochs: config.epochs, step: 0, steps: 0, ...figures, workersAlive: 0, phase: 'waiting' }
}
