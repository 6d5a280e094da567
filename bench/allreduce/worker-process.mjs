// A worker of lockstep that takes requests from the benchmark's process: { do: 'join', ... }, { do: 'leave' } and
// { do: 'open', step }.
import { fileURLToPath } from 'node:url'
import { becomeBatchJob } from '../../packages/cli/dist/worker/batch-job.js'
import { startCompute } from '../../packages/worker/dist/compute.js'
import { runSession } from '../../packages/worker/dist/session.js'
import { listenToParent, tell } from '../support/parent.mjs'

const standIn = fileURLToPath(new URL('stand-in-thread.mjs', import.meta.url))
const gate = new BroadcastChannel('allreduce-gate')
let compute = null
let leaving = null

becomeBatchJob()

gate.onmessage = ({ data }) => {
  if ('holding' in data || 'mean' in data) tell({ type: 'gate', ...data })
}
listenToParent(request => {
  if (request.do === 'open') gate.postMessage({ open: request.step })
  else if (request.do === 'join') join(request)
  else leaving?.abort()
})

function join({ url, token, name, provisioned }) {
  leaving = new AbortController()
  gate.postMessage({ beginRun: true })
  const session = runSession({
    url,
    trust: undefined,
    token,
    name,
    cores: 1,
    device: 'cpu',
    answerTimeoutMs: 60_000,
    prepare: welcome => prepare(welcome, provisioned),
    refuseWelcome: () => null,
    onHang: () => undefined,
    onWelcome: () => undefined,
    onReady: () => undefined,
    signal: leaving.signal,
  })
  session.then(
    end => tell({ type: 'ended', how: end.type, reason: end.bye?.reason ?? end.reason ?? '' }),
    error => tell({ type: 'ended', how: 'failed', reason: error.message }),
  )
}

/** The computing thread, which is kept while the length of the vectors does not change. */
async function prepare({ config, topology, layoutHash }, provisioned) {
  if (compute?.layoutHash === layoutHash) return compute
  await compute?.stop()
  compute = await startCompute({ config, topology, provisioned }, standIn)
  return compute
}
