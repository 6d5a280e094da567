// The cells of the table, and which of them fit into the time and memory.
import { estimateBytes, estimateMs } from './estimate.mjs'
import { fillableBytes } from './proc.mjs'

/** Share of the time for the minimum of all cells; the rest is for more repeats. */
const leastShare = 0.75

/** Time to start a process of lockstep, which loads tfjs twice, on two cores. */
const processMs = 700

/** Time to start a run, and for a round trip to every process. */
const overheadMs = workers => 400 + 25 * workers

/** Steps longer than this are measured once, without a warm-up. */
const longMs = 8_000

const mostSteps = 30

/** Warm-up steps before the measured ones, in which V8 compiles hot functions. */
const warmUp = { mostSteps: 200, mostMs: 4000, pauseMs: 12 }

/** The most warm-up steps in later rounds of a cell, when V8 has already compiled these functions. */
const mostWarmUpsAgain = 10

/**
 * Time until the first measured step, in steps of the star: a worker that joins gets the weights, which is half a step,
 * and the direct exchange begins once the workers are linked.
 */
const joinSteps = { shared: 0.5, star: 0.5, direct: 2.5, gloo: 0 }

/** Plans a cell for every link, size and number of workers: each contestant with its steps, or the reason for none. */
export function planCells(settings) {
  const cells = settings.links.flatMap(link =>
    settings.elements.flatMap(elements => settings.workers.map(workers => planCell(settings, link, elements, workers))),
  )
  // One set of processes for the loopback, one for separate hosts.
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

/** Chooses the quickest entries first while the time lasts, then divides the remaining time equally among them. */
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
