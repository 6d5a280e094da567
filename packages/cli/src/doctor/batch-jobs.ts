import { spawnSync } from 'node:child_process'
import type { Finding } from '@lockstep/tensorflow'

/** Checks whether workers can become batch jobs of the scheduler. If they cannot, they still train, but more slowly. */
export function inspectBatchJobs(environment: NodeJS.ProcessEnv): Finding {
  const trial = spawnSync('chrt', ['--batch', '0', 'true'], { env: environment, encoding: 'utf8' })
  const subject = 'Batch jobs'
  if (trial.status === 0)
    return { subject, state: 'ok', value: 'chrt found: workers leave the coordinator a core when it needs one' }
  const isMissing = trial.error !== undefined
  return {
    subject,
    state: 'warning',
    value: isMissing ? 'chrt is missing: the run is a few percent slower' : trial.stderr.trim(),
    remedy: 'Install util-linux: `sudo apt-get install util-linux`.',
  }
}
