// How long training took to recover from each fault, from the events of its coordinators.

/** A loss later than this after the end of a fault has another cause. */
const noticedWithinMs = { 'worker-lost': 3_000, listening: 30_000 }

/**
 * Adds to each fault, in milliseconds:
 * - `nextStepMs`: until a step that began after the fault is done, or until the end of the run if there was none;
 * - `pauseMs`: the longest time from step to step, within an epoch, during the fault and one second after it;
 * - `allWorkersMs`: until there are as many workers as before; null if none was lost, or if guests join and leave;
 * - `isAlone`: whether no other fault, except guests, occurred between the fault and that next step.
 */
export function measureRecovery(faults, record, endedAtMs) {
  const hasGuests = faults.some(isOfGuest)
  const begun = beginnings(record)
  const timed = faults.map(fault => {
    const next = begun.find(({ beganAtMs }) => beganAtMs >= fault.atMs)
    const recoveredAtMs = next?.atMs ?? endedAtMs
    return {
      ...fault,
      recoveredAtMs,
      nextStepMs: recoveredAtMs - fault.atMs,
      pauseMs: longestPause(fault, recoveredAtMs, begun),
      allWorkersMs: hasGuests ? null : timeToAllWorkers(fault, record.events),
    }
  })
  return timed.map(fault => ({ ...fault, isAlone: isAlone(fault, timed) }))
}

/** Adds to each step when it began: when the previous step was done, or when its coordinator began to listen. */
function beginnings({ steps, lives }) {
  return steps.map((step, index) => {
    const before = steps[index - 1]
    const isFirst = before === undefined || before.life !== step.life
    return {
      ...step,
      beganAtMs: isFirst ? lives[step.life - 1].atMs : before.atMs,
      isAfterEpoch: before?.epoch !== step.epoch,
    }
  })
}

function longestPause({ atMs, lastsMs }, recoveredAtMs, begun) {
  const untilMs = Math.max(recoveredAtMs, atMs + lastsMs) + 1_000
  const touched = begun.filter(step => step.atMs > atMs && step.beganAtMs < untilMs && !step.isAfterEpoch)
  return Math.max(0, ...touched.map(({ atMs: doneAtMs, beganAtMs }) => doneAtMs - beganAtMs))
}

/** Looks from the first loss after the fault on: of a worker, or of the coordinator with all workers. */
function timeToAllWorkers({ kind, atMs, lastsMs, active }, events) {
  const loss = kind === 'coordinator killed' ? 'listening' : 'worker-lost'
  const untilMs = atMs + lastsMs + noticedWithinMs[loss]
  const lost = events.findIndex(event => event.type === loss && event.atMs > atMs && event.atMs < untilMs)
  if (lost === -1 || active === 0) return null
  const whole = events.slice(lost + 1).find(event => event.type === 'worker-joined' && event.active >= active)
  return whole === undefined ? null : whole.atMs - atMs
}

function isAlone(fault, all) {
  const until = ({ recoveredAtMs, atMs, lastsMs }) => Math.max(recoveredAtMs, atMs + lastsMs)
  return all.every(
    other => other === fault || isOfGuest(other) || other.atMs > until(fault) || until(other) < fault.atMs,
  )
}

function isOfGuest({ kind }) {
  return kind === 'worker joins' || kind === 'worker leaves'
}
