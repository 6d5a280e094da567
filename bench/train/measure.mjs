// Runs of all contestants, interleaved.
import { median } from '../support/statistics.mjs'

/**
 * Fills `report.contestants`, `report.leftOut` and `report.versions`. A run that fails is left out. A contestant that
 * fails before any of its runs has succeeded is not tried again. Returns whether all runs succeeded.
 */
export async function measureRuns(contestants, repeats, report) {
  let entries = contestants
    .filter(each => isThere(each, report))
    .map(each => ({ ...each, runs: [], tries: 0, seconds: [] }))
  let complete = true
  for (let repeat = 1; repeat <= repeats; repeat++) {
    for (const entry of inTurn(entries, repeat)) {
      const outcome = await runOnce(entry, repeat, report)
      complete &&= outcome !== undefined
      if (outcome === undefined && entry.runs.length === 0) entries = entries.filter(each => each !== entry)
      say(`[${repeat}/${repeats}, ${describeTimeLeft(entries, repeats)}] ${describe(entry)}: ${outcome ?? 'LEFT OUT'}`)
    }
  }
  report.contestants = entries.map(({ name, title, precision, runs }) => ({ name, title, precision, runs }))
  return complete
}

/**
 * Each repeat begins with another contestant, and every second is reversed, so that none always follows the same one.
 */
function inTurn(entries, repeat) {
  const first = (repeat * 3) % entries.length
  const turned = [...entries.slice(first), ...entries.slice(0, first)]
  return repeat % 2 === 0 ? turned.reverse() : turned
}

function isThere(contestant, report) {
  const reason = contestant.missing?.()
  if (reason !== undefined) leaveOut(contestant, reason, report)
  return reason === undefined
}

/** Adds a run to its contestant and returns its speed, or undefined if the run failed. */
async function runOnce(entry, repeat, report) {
  const startedAtMs = performance.now()
  entry.tries += 1
  try {
    const { speeds, losses, version } = await entry.run(repeat)
    checkThatItTrains(losses)
    // All epochs have the same number of samples, so the mean speed is the harmonic mean of their speeds.
    const imagesPerSecond = speeds.length / speeds.reduce((sum, speed) => sum + 1 / speed, 0)
    entry.runs.push({ imagesPerSecond, speeds, losses })
    entry.seconds.push((performance.now() - startedAtMs) / 1000)
    if (version !== undefined) report.versions[version.split(' ')[0]] = version
    return `${imagesPerSecond.toFixed(0)} images/s`
  } catch (error) {
    leaveOut(entry, `run ${repeat}: ${error.message}`, report)
    return undefined
  }
}

function checkThatItTrains(losses) {
  if (losses.length > 1 && !(losses.at(-1) < losses[0])) throw new Error(`its loss does not fall: ${losses.join(', ')}`)
}

function leaveOut(contestant, reason, report) {
  const { name, title, precision } = contestant
  report.leftOut.push({ name, title, precision, reason })
  say(`LEFT OUT: ${describe(contestant)}: ${reason}`)
}

/** Assumes that the remaining runs take as long as before. */
function describeTimeLeft(entries, repeats) {
  const known = entries.flatMap(({ seconds }) => seconds)
  const usual = known.length > 0 ? median(known) : 0
  const left = entries.reduce((sum, { tries, seconds }) => sum + (repeats - tries) * (seconds.at(-1) ?? usual), 0)
  return `${Math.floor(left / 60)}:${String(Math.floor(left % 60)).padStart(2, '0')} left`
}

function describe({ title, precision }) {
  return `${title}, ${precision}`
}

function say(text) {
  process.stderr.write(`${text}\n`)
}
