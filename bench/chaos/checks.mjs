// The conditions that must hold after a run, whatever has failed during it.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Reads the results of a run from its folder. */
export function readRun(place) {
  const read = name => (existsSync(join(place, name)) ? readFileSync(join(place, name), 'utf8') : '')
  const lines = read('metrics.jsonl').split('\n').filter(Boolean)
  const metrics = lines.map(line => JSON.parse(line))
  const summary = read('summary.json')
  return {
    summary: summary === '' ? null : JSON.parse(summary),
    steps: metrics.filter(({ type }) => type === 'step'),
    epochs: metrics.filter(({ type }) => type === 'epoch'),
  }
}

/**
 * Describes what is wrong with a disturbed run. Its weights, losses and samples must equal those of the undisturbed
 * run. Each step and each epoch must occur exactly once in its metrics, and each sample exactly once in the last
 * coordinator's counts of its workers.
 */
export function findFaults(run, reference, record) {
  if (run.summary === null) return ['it has no summary']
  const wrong = []
  const same = (what, is, expected) => {
    const difference = differ(is, expected)
    if (difference !== null) wrong.push(`${what}: ${difference}`)
  }
  for (const key of ['status', 'weightsSha256', 'epochs', 'steps', 'final', 'best', 'test'])
    same(key, run.summary[key], reference.summary[key])
  same('epoch lines', run.epochs.map(learnt), reference.epochs.map(learnt))
  same('step lines', numbers(run.steps), numbers(reference.steps))
  same(
    'samples of the steps',
    run.steps.map(({ samples }) => samples),
    reference.steps.map(({ samples }) => samples),
  )
  same(
    'losses of the steps',
    run.steps.map(({ loss }) => loss),
    reference.steps.map(({ loss }) => loss),
  )
  same("samples of the last coordinator's workers", countedByWorkers(run.summary), countedByLastLife(run.steps, record))
  wrong.push(...findGaps(record))
  return wrong
}

/** The fields of an epoch's line without times and workers. */
function learnt({ epoch, step, trainLoss, trainAccuracy, validationLoss, validationAccuracy }) {
  return { epoch, step, trainLoss, trainAccuracy, validationLoss, validationAccuracy }
}

function numbers(steps) {
  return steps.map(({ epoch, step }) => `${epoch}/${step}`)
}

function countedByWorkers({ perWorker }) {
  return perWorker.reduce((sum, { samples }) => sum + samples, 0)
}

/** Number of samples in the steps that the last coordinator has done. */
function countedByLastLife(steps, { steps: told, lives }) {
  const first = told.find(({ life }) => life === lives.length)?.step ?? Number.POSITIVE_INFINITY
  return steps.filter(({ step }) => step >= first).reduce((sum, { samples }) => sum + samples, 0)
}

/** Every coordinator must continue from a finished step, and do one step after the other. */
function findGaps({ steps }) {
  return steps.flatMap((step, index) => {
    const before = steps[index - 1]
    const expected = (before?.step ?? 0) + 1
    const isRight = step.step === expected || (step.life !== before?.life && step.step < expected)
    return isRight ? [] : [`step ${step.step} of life ${step.life} follows step ${before?.step ?? 0}`]
  })
}

/** Describes how a value differs from the expected one, a list at its first difference; null if it does not. */
function differ(is, expected) {
  const text = JSON.stringify
  if (text(is) === text(expected)) return null
  if (!Array.isArray(is)) return `${text(is)} instead of ${text(expected)}`
  const at = is.findIndex((value, index) => text(value) !== text(expected[index]))
  const first = at === -1 ? is.length : at
  return `${is.length} instead of ${expected.length}; the first that differs is number ${first + 1}, ${text(is[first])} instead of ${text(expected[first])}`
}
