// Coordinator and workers on two hosts (network namespaces with addresses of their own): same weights as on one?
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readFlags } from './support/flags.mjs'
import { readSummary, start, temporaryFolder } from './support/lockstep.mjs'
import { createSwitch, removeLeftovers } from './support/network.mjs'
import { writeToken } from './support/reach.mjs'

readFlags({}, { notes: 'Needs root and iproute2.' })
removeLeftovers()
const network = createSwitch(1)
const [here, there] = network.hosts
const folder = temporaryFolder('two-hosts')
const size = ['--dataset', 'synthetic', '--limit-train', '2500', '--limit-test', '500', '--epochs', '2']
const run = [...size, '--shards', '2', '--offline']
const at = host => ['ip', 'netns', 'exec', host.name]

try {
  const token = writeToken(folder)
  const listen = `${here.address}:7999`
  const apart = join(folder, 'apart')
  const coordinator = start(
    ['coordinator', ...run, '--listen', listen, '--token-file', token, '--min-workers', '2', '--run-dir', apart],
    at(here),
  )
  const worker = name =>
    start(['worker', '--connect', `ws://${listen}`, '--token-file', token, '--name', name, '--offline'], at(there))
  await Promise.all([coordinator, worker('first'), worker('second')].map(({ ended }) => ended))
  const together = join(folder, 'together')
  await start(['train', ...run, '--workers', '1', '--run-dir', together]).ended
  report(readSummary(apart), readSummary(together))
} finally {
  network.remove()
  await rm(folder, { recursive: true })
}

function report(apart, together) {
  const same = apart.weightsSha256 === together.weightsSha256
  for (const worker of apart.perWorker)
    process.stdout.write(`${worker.name}: ${worker.samples} samples, ${worker.outcome}\n`)
  process.stdout.write(`two hosts  ${apart.weightsSha256}  test accuracy ${apart.test.accuracy}\n`)
  process.stdout.write(`one host   ${together.weightsSha256}  test accuracy ${together.test.accuracy}\n`)
  process.stdout.write(same ? 'same weights\n' : 'DIFFERENT weights\n')
  process.exitCode = same ? 0 : 1
}
