// Measures the cells: the contestants of a cell take turns, lockstep and gloo on the same links.
import { median } from '../support/statistics.mjs'

/** A round has this many parts; the time is checked between them. */
const parts = 5

/** When many workers share a processor, one may miss its heartbeats and be dropped, and the round fails. */
const mostTries = 3

/** Measures all cells of one network. `sides` opens runs of lockstep and gloo. */
export async function measureCells(cells, network, sides, report) {
  for (const [index, cell] of cells.entries()) {
    const results = cell.entries.map(entry => ({ entry, rounds: [] }))
    say(cell, `${index + 1}/${cells.length}`)
    await sides.lockstep.makeRoom(
      Math.max(0, ...cell.entries.filter(({ reason }) => !reason).map(({ bytes }) => bytes)),
    )
    const most = Math.max(0, ...cell.entries.map(({ rounds }) => rounds ?? 0))
    for (let round = 0; round < most; round++) {
      const playing = results.filter(
        ({ entry, failure }) => round < entry.rounds && failure === undefined && !entry.reason,
      )
      for (const result of playing) {
        result.failure = await tryRound(cell, network, sides, result, round > 0)
      }
    }
    for (const { entry, rounds, failure } of results) {
      const figures = failure && rounds.length === 0 ? { reason: failure } : summarize(entry, rounds)
      report.push({ ...describe(cell, entry), ...figures })
    }
  }
}

/** Returns the reason if the round failed. */
async function tryRound(cell, network, sides, result, isAgain) {
  let failure = 'not run: the time was over'
  for (let tries = 0; tries < mostTries && performance.now() < sides.deadlineMs; tries++) {
    try {
      result.rounds.push(await playRound(cell, network, sides, result.entry, isAgain))
      return
    } catch (error) {
      failure = `failed: ${error.message}`
      process.stderr.write(`${result.entry.contestant.id} ${failure}\n`)
    }
  }
  return failure
}

async function playRound({ workers, elements }, network, sides, entry, isAgain) {
  const { contestant, steps, capMs, warmUps, warmUpsAgain } = entry
  const side = contestant.id === 'gloo' ? sides.gloo : sides.lockstep
  const run = await side.open({ network, workers, elements, ...contestant })
  try {
    await run.settle(isAgain ? warmUpsAgain : warmUps)
    const before = run.counters()
    const taken = await takeSteps(run, steps, capMs)
    return { taken, before, after: run.counters(), peakBytes: run.peakBytes?.() }
  } finally {
    await run.close()
  }
}

/** Takes `steps` steps, or fewer if they take longer than expected. */
async function takeSteps(run, steps, capMs) {
  const startedAt = performance.now()
  const taken = []
  while (taken.length < steps && (taken.length === 0 || performance.now() - startedAt < capMs))
    taken.push(...(await run.measure(Math.min(steps - taken.length, Math.ceil(steps / parts)))))
  return taken
}

function describe({ link, elements, workers }, { contestant, expectedMs }) {
  return { link: link.id, elements, workers, contestant: contestant.id, expectedMs }
}

/** The median time over all steps, and the means of the kernel's counters over them. */
function summarize(entry, rounds) {
  if (entry.reason !== undefined) return { reason: entry.reason }
  const taken = rounds.flatMap(round => round.taken)
  // Steps in which a worker had no shard are used only if there are no others.
  const even = taken.filter(({ isEven }) => isEven)
  const ms = (even.length > 0 ? even : taken).map(step => step.ms)
  const perStep = read => rounds.reduce((sum, round) => sum + read(round.after) - read(round.before), 0) / taken.length
  const isOfLockstep = rounds[0].after.coordinator !== undefined
  const hosts = rounds[0].after.workers.length
  const sentBy = at => perStep(({ workers }) => workers[at].sent)
  return {
    medianMs: median(ms),
    spread: quartileSpread(ms),
    stepsMs: ms,
    unevenSteps: taken.length - even.length,
    workerSentBytes: Array.from({ length: hosts }, (_, at) => sentBy(at)).reduce((a, b) => a + b, 0) / hosts,
    ...(isOfLockstep && {
      coordinatorSentBytes: perStep(({ coordinator }) => coordinator.sent),
      coordinatorReceivedBytes: perStep(({ coordinator }) => coordinator.received),
      coordinatorCpuMs: perStep(({ cpuMs }) => cpuMs),
      coordinatorPeakBytes: Math.max(...rounds.map(({ peakBytes }) => peakBytes)),
    }),
  }
}

function say({ link, elements, workers, entries }, place) {
  const plans = entries.map(({ contestant, steps, rounds, expectedMs, reason }) =>
    reason === undefined
      ? `${contestant.id} ${rounds} × ${steps} of about ${expectedMs.toFixed(0)} ms`
      : `${contestant.id} ${reason}`,
  )
  process.stderr.write(
    `[${place}] ${link.title}, ${(4 * elements) / 1e6} MB, ${workers} workers: ${plans.join('; ')}\n`,
  )
}

/** Half the distance between the quartiles, relative to the median. A single delayed step does not affect it. */
function quartileSpread(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const at = share => sorted[Math.round(share * (sorted.length - 1))]
  return (at(0.75) - at(0.25)) / 2 / median(values)
}
