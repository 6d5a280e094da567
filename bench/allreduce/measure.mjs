// Measures the cells: the contestants of each take turns, lockstep and gloo on the same links.
import { median, spread } from '../support/statistics.mjs'

/** All cells of one network. `sides` has what opens a run of lockstep and one of gloo. */
export async function measureCells(cells, network, sides, report) {
  for (const [index, cell] of cells.entries()) {
    const results = cell.entries.map(entry => ({ entry, rounds: [] }))
    say(cell, `${index + 1}/${cells.length}`)
    const most = Math.max(0, ...cell.entries.map(({ rounds }) => rounds ?? 0))
    for (let round = 0; round < most; round++) {
      const playing = results.filter(
        ({ entry, failure }) => round < entry.rounds && failure === undefined && !entry.reason,
      )
      for (const result of playing) await playRound(cell, network, sides, result)
    }
    for (const { entry, rounds, failure } of results) {
      report.push({ ...describe(cell, entry), ...(failure ? { reason: failure } : summarize(entry, rounds)) })
    }
  }
}

async function playRound(cell, network, sides, result) {
  const { contestant, steps, warmUps } = result.entry
  const side = contestant.id === 'gloo' ? sides.gloo : sides.lockstep
  const { workers, elements } = cell
  try {
    const run = await side.open({ network, workers, elements, ...contestant })
    try {
      await run.settle(warmUps)
      const before = run.counters()
      const taken = await run.measure(steps)
      result.rounds.push({ taken, before, after: run.counters(), peakBytes: run.peakBytes?.() })
    } finally {
      await run.close()
    }
  } catch (error) {
    result.failure = `failed: ${error.message}`
  }
}

function describe({ link, elements, workers }, { contestant, expectedMs }) {
  return { link: link.id, elements, workers, contestant: contestant.id, expectedMs }
}

/** Median time over all steps, and means over them of what the kernel has counted. */
function summarize(entry, rounds) {
  if (entry.reason !== undefined) return { reason: entry.reason }
  const taken = rounds.flatMap(round => round.taken)
  const ms = taken.map(step => step.ms)
  const perStep = read => rounds.reduce((sum, round) => sum + read(round.after) - read(round.before), 0) / taken.length
  const isOfLockstep = rounds[0].after.coordinator !== undefined
  const hosts = rounds[0].after.workers.length
  const sentBy = at => perStep(({ workers }) => workers[at].sent)
  return {
    medianMs: median(ms),
    spread: spread(ms),
    stepsMs: ms,
    unevenSteps: taken.filter(({ isEven }) => !isEven).length,
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
