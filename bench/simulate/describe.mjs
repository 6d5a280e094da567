// Describes a simulation for people.
import { describeFault, drawScenario } from '@lockstep/simulation'

export function describeScenario({ config, topology, workers, minWorkers, checkpointEvery, latency, faults }) {
  const { batchSize, shards, optimizer, compress } = config
  const run = `batch ${batchSize} in ${shards} shards, ${optimizer}, compress ${compress}, ${topology}`
  const pool = `${workers} workers, at least ${minWorkers}, a checkpoint ${checkpointEvery === 0 ? 'an epoch' : `every ${checkpointEvery} steps`}`
  return `${run}; ${pool}; messages take ${latency.leastMs} to ${latency.mostMs} ms\n${listFaults(faults, faults)}`
}

/** What went wrong, how to reproduce it, and the fewest faults with which it still fails. */
export function describeFailure(failed, shortest) {
  const { seed } = failed.scenario
  const all = drawScenario(seed).faults
  const kept = shortest.scenario.faults
  const numbers = kept.map(fault => numberOf(fault, all))
  return [
    `seed ${seed}: ${failed.violation}\n`,
    `replay it:   pnpm bench simulate --seed ${seed}\n`,
    `shortened:   pnpm bench simulate --seed ${seed} --faults ${numbers.join(',') || "''"}\n`,
    shortest.violation === failed.violation ? '' : `which gives: ${shortest.violation}\n`,
    listFaults(kept, all),
  ].join('')
}

function listFaults(faults, all) {
  return faults.map(fault => `  ${numberOf(fault, all)}. ${describeFault(fault)}\n`).join('')
}

/** A fault's number in the schedule. Faults are equal if all their fields are. */
function numberOf(fault, all) {
  const text = JSON.stringify(fault)
  return all.findIndex(other => JSON.stringify(other) === text) + 1
}
