// How long training took to get over each fault, by what its coordinators told.

/** A loss that comes later than this after a fault is over is none of its. */
const noticedWithinMs = { 'worker-lost': 3_000, listening: 30_000 }

/**
 * Adds to each fault, in milliseconds:
 * - `nextStepMs`: until a step is done that began after it; of the end of the run where there was none;
 * - `pauseMs`: the longest time from step to step, within an epoch, while it lasted and a second after;
 * - `crewMs`: until as many workers are there as before; null where none was lost, and where guests come and go;
 * - `isAlone`: whether no other fault, but for guests, came between it and that next step.
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
      crewMs: hasGuests ? null : timeToAllWorkers(fault, record.events),
    }
  })
  return timed.map(fault => ({ ...fault, isAlone: isAlone(fault, timed) }))
}

/** Each step with when it began: when the one before was done, or its coordinator began. */
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

/** From the first loss after the fault on: of a worker, or of the coordinator with all of them. */
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
