import { submitToGroup } from '../direct/group-batch.ts'
import { type PendingBatch, submitBatch } from './batch-gradient.ts'
import { type BatchShards, epochBatches } from './batches.ts'
import { unlessDiverged } from './divergence.ts'
import { finishEpoch, markStart } from './epoch.ts'
import { isOutOfPatience } from './history.ts'
import { awaitQuorum } from './quorum.ts'
import type { Training } from './setup.ts'
import { recordStep, reportStep, takeStep, tellStep } from './step.ts'

/** Batches whose shards are sent before their step begins, so that no worker waits for data. */
const batchesAhead = 1

/** Trains from the current state to the last epoch, until it is asked to stop, or until patience runs out. */
export async function train(run: Training): Promise<'completed' | 'stopped early' | 'interrupted'> {
  const { config, state } = run
  for (;;) {
    if (isOutOfPatience(state.history.epochs, config.earlyStopping)) return 'stopped early'
    if (state.position.epoch > config.epochs) return 'completed'
    if (run.shouldStop()) return 'interrupted'
    const start = markStart(run)
    run.onEvent({ type: 'phase', phase: 'training', active: run.activeWorkers() })
    if (!(await trainEpoch(run))) return 'interrupted'
    await finishEpoch(run, start)
  }
}

/** Takes the remaining steps of the epoch. False when asked to stop before its end. */
async function trainEpoch(run: Training): Promise<boolean> {
  const { config, state, timing } = run
  const { epoch, batch: first } = state.position
  // A step is timed from the end of the previous one, so that all time between steps counts.
  let sinceMs = run.nowMs()
  const batches = epochBatches(run.train, config, epoch)
  const firstStep = state.step - first
  // If the epoch is left early, batches submitted ahead never become due, and nothing waits for them.
  const ahead: PendingBatch[] = []
  let next = first
  const submitUpTo = (last: number) => {
    for (; next <= last && next < batches.batches; next++)
      ahead.push(submit(run, batches.shards(next), firstStep + next))
  }
  timing.begin()
  for (let batch = first; batch < batches.batches; batch++) {
    if (run.shouldStop()) return false
    if (await awaitQuorum(run, 'training')) sinceMs = run.nowMs()
    timing.enter('prepare')
    submitUpTo(batch + batchesAhead)
    const pending = ahead.shift()!
    timing.enter('wait')
    const result = await unlessDiverged(run, state.step + 1, pending.result)
    tellStep(run, result)
    // Meanwhile the workers take the step and compute the next one.
    timing.enter('prepare')
    submitUpTo(batch + 1 + batchesAhead)
    takeStep(run, result)
    run.topology.stepDone(pending.group)
    pending.release()
    timing.enter('other')
    const nowMs = run.nowMs()
    recordStep(run, result, nowMs - sinceMs)
    sinceMs = nowMs
    reportStep(run, batches.batches)
    const times = timing.end({ ...result, epoch, step: state.step })
    if (times !== null) await run.onStep(times)
    // After the step's line, because a checkpoint first syncs the lines of all its steps.
    if (run.isCheckpointDue(state.step)) await run.checkpoint()
  }
  return true
}

/** Submits a batch by the topology of its step. */
function submit(run: Training, batch: BatchShards, step: number): PendingBatch {
  const batchRun = { runId: run.runId, step, shards: run.config.shards }
  const group = run.topology.next()
  if (group === null) return submitBatch(batch, batchRun, run)
  return submitToGroup(batch, { ...batchRun, group, learningRate: run.learningRateAt(step) }, run)
}
