// Runs of all contestants, interleaved.
import { median } from '../support/statistics.mjs'

/**
 * Fills `report.contestants`, `report.leftOut` and `report.versions`. Who fails is left out from then on; returns whether
 * that was nobody.
 */
export async function measureRuns(contestants, repeats, report) {
  const entries = contestants.filter(each => isThere(each, report)).map(each => ({ ...each, runs: [], seconds: [] }))
  const failed = new Set()
  for (let repeat = 1; repeat <= repeats; repeat++) {
    for (const entry of inTurn(entries, repeat).filter(each => !failed.has(each))) {
      const outcome = await runOnce(entry, repeat, report)
      if (outcome === undefined) failed.add(entry)
      else say(`[${repeat}/${repeats}, ${describeTimeLeft(entries, failed, repeats)}] ${title(entry)}: ${outcome}`)
    }
  }
  const whole = entries.filter(entry => !failed.has(entry))
  report.contestants = whole.map(({ name, title, precision, runs }) => ({ name, title, precision, runs }))
  return failed.size === 0
}

/** Each repeat begins with another contestant and every second goes backwards, so that no one always follows the same. */
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

/** Adds a run to its contestant and tells its speed; undefined where there is none. */
async function runOnce(entry, repeat, report) {
  const startedAtMs = performance.now()
  try {
    const { speeds, losses, version } = await entry.run(repeat)
    checkThatItTrains(losses)
    // All epochs have the same number of samples: their times add up, so their speeds have a harmonic mean.
    const imagesPerSecond = speeds.length / speeds.reduce((sum, speed) => sum + 1 / speed, 0)
    entry.runs.push({ imagesPerSecond, speeds, losses })
    entry.seconds.push((performance.now() - startedAtMs) / 1000)
    if (version !== undefined) report.versions[version.split(' ')[0]] = version
    return `${imagesPerSecond.toFixed(0)} images/s`
  } catch (error) {
    leaveOut(entry, error.message, report)
    return undefined
  }
}

function checkThatItTrains(losses) {
  if (losses.length > 1 && !(losses.at(-1) < losses[0])) throw new Error(`its loss does not fall: ${losses.join(', ')}`)
}

function leaveOut(contestant, reason, report) {
  const { name, precision } = contestant
  report.leftOut.push({ name, title: contestant.title, precision, reason })
  say(`LEFT OUT: ${title(contestant)}: ${reason}`)
}

function describeTimeLeft(entries, failed, repeats) {
  const active = entries.filter(entry => !failed.has(entry))
  const known = active.flatMap(({ seconds }) => seconds)
  const usual = median(known)
  const left = active.reduce((sum, { runs, seconds }) => sum + (repeats - runs.length) * (seconds.at(-1) ?? usual), 0)
  return `${Math.floor(left / 60)}:${String(Math.floor(left % 60)).padStart(2, '0')} left`
}

function title(contestant) {
  return `${contestant.title}, ${contestant.precision}`
}

function say(text) {
  process.stderr.write(`${text}\n`)
}
