// The cells of the table, and which of them there is time and memory for.
import { estimateBytes, estimateMs } from './estimate.mjs'
import { fillableBytes } from './proc.mjs'

/** Of the time, what the least that every cell needs may take; the rest is for more repeats. */
const leastShare = 0.75

/** Starting a process of lockstep's, which loads tfjs twice, on two cores. */
const processMs = 700

/** Starting a run, and a round trip to every process. */
const overheadMs = workers => 400 + 25 * workers

/** Steps longer than this are taken once, without one before that does not count. */
const longMs = 8_000

const mostSteps = 30

/** Steps before those that count, in which V8 compiles what is called often. */
const warmUp = { mostSteps: 200, mostMs: 4000, pauseMs: 12 }

/** The same in further rounds of a cell, whose processes have it compiled. */
const mostWarmUpsAgain = 10

/**
 * Steps of the star that it takes until the first step that counts: a worker that joins is sent the weights, which is
 * half a step, and the direct exchange begins once there are links.
 */
const joinSteps = { shared: 0.5, star: 0.5, direct: 2.5, gloo: 0 }

/** Every link, size and number of workers with its contestants, each with the steps it gets or the reason why none. */
export function planCells(settings) {
  const cells = settings.links.flatMap(link =>
    settings.elements.flatMap(elements => settings.workers.map(workers => planCell(settings, link, elements, workers))),
  )
  // One set of processes for the loopback, one for hosts of their own.
  const sets = new Set(settings.links.map(({ id }) => id === 'loopback')).size
  const startMs = sets * processMs * (1 + Math.max(...settings.workers))
  shareTime(
    cells.flatMap(({ entries }) => entries),
    settings.budgetMs - startMs,
    settings.repeats,
  )
  return cells
}

function planCell({ contestants }, link, elements, workers) {
  const vectorBytes = 4 * elements
  const entries = contestants
    .filter(({ links }) => links === undefined || links.includes(link.id))
    .map(contestant => {
      const expectedMs = estimateMs(contestant, link, workers, vectorBytes)
      const bytes = estimateBytes(contestant, workers, vectorBytes)
      const joinMs = joinSteps[contestant.id] * estimateMs({ id: 'star' }, link, workers, vectorBytes)
      const warmUps = expectedMs > longMs ? 0 : warmUpsOf(expectedMs)
      const stepMs = contestant.id === 'gloo' ? expectedMs : expectedMs + Math.min(3000, 1.5 * expectedMs)
      const warmUpsAgain = Math.min(mostWarmUpsAgain, warmUps)
      const openMs = overheadMs(workers) + joinMs
      const againMs = openMs + warmUpsAgain * stepMs
      const leastMs = openMs + (1 + warmUps) * stepMs
      return {
        contestant,
        expectedMs,
        stepMs,
        bytes,
        warmUps,
        warmUpsAgain,
        againMs,
        leastMs,
        steps: 0,
        reason: undefined,
      }
    })
  return { link, elements, workers, entries }
}

/** The quickest entries first, for as long as the time lasts; what is left is shared out among them alike. */
function shareTime(entries, budgetMs, repeats) {
  const availableBytes = fillableBytes()
  const fitting = entries.filter(entry => {
    if (entry.bytes > availableBytes)
      entry.reason = `not run: would take about ${(entry.bytes / 1e9).toFixed(0)} GB of memory`
    return entry.reason === undefined
  })
  let leftMs = budgetMs
  const chosen = []
  for (const entry of fitting.sort((a, b) => a.leastMs - b.leastMs)) {
    if (leftMs - entry.leastMs < budgetMs * (1 - leastShare))
      entry.reason = `not run: would take about ${describeTime(entry.leastMs)}`
    else {
      leftMs -= entry.leastMs
      chosen.push(entry)
    }
  }
  const shareMs = leftMs / Math.max(1, chosen.length)
  for (const entry of chosen) {
    const { againMs, stepMs } = entry
    const stepsIn = rounds => Math.floor((stepMs + shareMs - (rounds - 1) * againMs) / (rounds * stepMs))
    entry.rounds = stepsIn(repeats) >= 3 ? repeats : 1
    entry.steps = Math.max(1, Math.min(mostSteps, stepsIn(entry.rounds)))
    entry.capMs = 200 + 1.5 * entry.steps * stepMs
  }
}

function warmUpsOf(expectedMs) {
  return Math.max(1, Math.min(warmUp.mostSteps, Math.floor(warmUp.mostMs / (expectedMs + warmUp.pauseMs))))
}

function describeTime(ms) {
  if (ms < 90_000) return `${Math.ceil(ms / 1000)} s`
  return `${Math.ceil(ms / 60_000)} min`
}
