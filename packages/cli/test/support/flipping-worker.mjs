// A worker that computes wrongly: from some step on it flips one bit of each of its gradients, or with "poisons": true
// sets one element to NaN. For tests and benchmarks:
//   node flipping-worker.mjs '{"url":…,"token":…,"name":…,"fromStep":…,"audit":…}'
// With `audit`, the fraction of shards that the run audits, it starts with the first audited shard that it computes
// from that step on. Steps count from 1. Prints a report as a line of JSON when it ends.
import { computeEnvironment } from '@lockstep/tensorflow'
import { createAudit } from '../../../coordinator/dist/audit/audit.js'
import { startCompute } from '../../../worker/dist/compute.js'
import { runWorker } from '../../../worker/dist/index.js'
import { systemWorld } from '../../../worker/dist/world.js'
import { provision } from '../../dist/provision.js'
import { becomeBatchJob } from '../../dist/worker/batch-job.js'

const { url, token, name, fromStep, audit = null, poisons = false } = JSON.parse(process.argv[2])
const told = { computed: 0, flips: [], reason: null }
let isAudited = () => true

becomeBatchJob()
try {
  const end = await runWorker(
    {
      url,
      token,
      name,
      device: 'cpu',
      waitMs: 10_000,
      signal: new AbortController().signal,
      provision: threads => {
        Object.assign(process.env, computeEnvironment(threads))
        return provision(true, process.stderr)
      },
      onEvent: event => {
        if (event.type === 'lost') told.reason = event.reason
      },
    },
    { ...systemWorld, startCompute: startFlipping },
  )
  told.end = end.reason
} catch (error) {
  told.end = error.message
}
process.stdout.write(`${JSON.stringify(told)}\n`)

/** Starts the usual thread and intercepts its answers, which come in frames and not through shared memory. */
async function startFlipping(setup) {
  const compute = await startCompute(setup)
  if (audit !== null) isAudited = createAudit(audit, setup.config.seed, { type: 'float32' }, 0).isDrawn
  const beginSession = (terms, onAnswer) =>
    compute.beginSession({ ...terms, sharedMemory: null }, answer => onAnswer(flip(answer)))
  return { ...compute, beginSession }
}

function flip(answer) {
  const { type, step, shard } = answer.message
  if (type !== 'gradient') return answer
  told.computed += 1
  const begins = step + 1 >= fromStep && isAudited(step, shard)
  if (told.flips.length === 0 && !begins) return answer
  told.flips.push({ step: step + 1, shard })
  const { buffer, byteOffset, length } = answer.tensors.gradient
  // The highest bit of the mantissa of the last class's bias: the change is not rounded away.
  if (poisons) answer.tensors.gradient[length - 1] = Number.NaN
  else new Int32Array(buffer, byteOffset, length)[length - 1] ^= 1 << 22
  return answer
}
