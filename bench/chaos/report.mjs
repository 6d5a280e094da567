// The results of all rounds as Markdown.
import { describeMachine } from '../support/machine.mjs'
import { markdownTable, median } from '../support/statistics.mjs'

export function renderReport({ machine, settings, reference, rounds }) {
  const faults = rounds.flatMap(round => round.faults)
  const wrong = rounds.flatMap(({ number, wrong }) => wrong.map(text => `- round ${number}: ${text}\n`))
  return `# Chaos

${describeMachine(machine)}; seed ${settings.seed}${settings.churn ? '; workers join and leave at random' : ''}${settings.audit === null ? '' : `; --audit ${settings.audit}`}

Each round trains ${reference.epochs} epochs of ${reference.trainSamples} samples of CIFAR-10, ${reference.steps} steps; the undisturbed run took ${reference.seconds.toFixed(0)} s
and came to \`${reference.weightsSha256}\`.

${roundTable(rounds, reference)}
${wrong.length === 0 ? `All weights, losses, epochs, steps and samples are those of the undisturbed run.\n` : `**WRONG:**\n\n${wrong.join('')}`}
## Time to recovery

${faults.length} faults. *Next step*: from the fault until a step is done that began after it. *Pause*: the longest time from step to step while it lasted and a
second after. *All workers*: until as many workers were there as before, where any was lost. Medians and the longest of faults that came
alone; of the others only the longest time to the next step.

${kindTable(faults)}
## Every fault

${faultTable(faults)}`
}

function roundTable(rounds, reference) {
  const titles = [
    'round',
    'run',
    's',
    'faults',
    'coordinators',
    'ended by a full disk',
    'steps done again',
    'epochs',
    'steps',
    'samples',
    'weights',
  ]
  const rows = rounds.map(round => [
    round.number,
    `\`${round.variant.command}\`, ${round.variant.topology}`,
    round.seconds.toFixed(0),
    round.faults.length,
    round.lives,
    round.resumed,
    round.doneTwice,
    round.epochs,
    round.steps,
    round.samples.toLocaleString('en'),
    round.weightsSha256 === reference.weightsSha256 ? 'the same' : String(round.weightsSha256),
  ])
  return markdownTable(titles, rows)
}

function kindTable(faults) {
  const kinds = [...new Set(faults.map(({ kind }) => kind))].sort()
  const titles = [
    'fault',
    'of them',
    'alone',
    'next step, s',
    'longest',
    'pause, s',
    'longest',
    'all workers, s',
    'longest',
    'not alone: longest',
  ]
  const rows = kinds.map(kind => {
    const all = faults.filter(fault => fault.kind === kind)
    const alone = all.filter(fault => fault.isAlone)
    const others = all.filter(fault => !fault.isAlone)
    const middleAndLongest = key => describeTimes(alone.map(fault => fault[key]).filter(ms => ms !== null))
    return [
      kind,
      all.length,
      alone.length,
      ...['nextStepMs', 'pauseMs', 'allWorkersMs'].flatMap(middleAndLongest),
      describeTimes(others.map(({ nextStepMs }) => nextStepMs))[1],
    ]
  })
  return markdownTable(titles, rows)
}

function describeTimes(times) {
  return times.length === 0 ? ['', ''] : [inSeconds(median(times)), inSeconds(Math.max(...times))]
}

function faultTable(faults) {
  const titles = [
    'round',
    'at, s',
    'fault',
    'what',
    'while',
    'lasted, s',
    'next step, s',
    'pause, s',
    'all workers, s',
    'alone',
  ]
  const rows = faults.map(fault => [
    fault.round,
    (fault.afterMs / 1000).toFixed(1),
    fault.kind,
    (fault.detail ?? '').replaceAll('|', '\\|'),
    fault.phase ?? '',
    fault.lastsMs > 0 ? inSeconds(fault.lastsMs) : '',
    inSeconds(fault.nextStepMs),
    inSeconds(fault.pauseMs),
    fault.allWorkersMs === null ? '' : inSeconds(fault.allWorkersMs),
    fault.isAlone ? 'yes' : 'no',
  ])
  return markdownTable(titles, rows)
}

function inSeconds(ms) {
  return (ms / 1000).toFixed(2)
}
