import type { Finding } from '@lockstep/tensorflow'
import { runConfigDefaults } from '../flags/run-config-defaults.ts'
import { formatAmount } from '../terminal/format.ts'
import { type Capacity, chooseWorkers } from '../train/choose-workers.ts'

/** A large batch for the reference net, to show besides the default one. */
const largeBatch = 400

/** Shows what `train` would choose on this machine, for the default batch and for a large one. */
export function inspectWorkers(capacity: Capacity): Finding {
  const flagsFor = (batchSize: number) => {
    const request = { workers: null, threads: null, shards: null, minWorkers: null, batchSize, isResumed: false }
    const { workers, threads } = chooseWorkers(request, capacity)
    return `--workers ${workers} --threads ${threads}`
  }
  const [flags, largeFlags] = [flagsFor(runConfigDefaults.batchSize), flagsFor(largeBatch)]
  const large = flags === largeFlags ? '' : `; with --batch-size ${largeBatch}: ${largeFlags}`
  return {
    subject: 'Workers',
    state: 'ok',
    value: `${formatAmount(capacity.cores, 'core')} → ${flags}${large}`,
    facts: { cores: capacity.cores, flags, largeFlags },
  }
}
