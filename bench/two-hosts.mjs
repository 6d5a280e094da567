// Coordinator and workers on two hosts (network namespaces with addresses of their own): same weights as on one?
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readFlags } from './support/flags.mjs'
import { readSummary, start, temporaryFolder } from './support/lockstep.mjs'

readFlags({}, { notes: 'Needs root and iproute2.' })
const folder = temporaryFolder('two-hosts')
const size = ['--dataset', 'synthetic', '--limit-train', '2500', '--limit-test', '500', '--epochs', '2']
const run = [...size, '--shards', '2', '--offline']
const hosts = [
  { name: 'lockstep-a', link: 'lockstep-va', address: '10.213.7.1' },
  { name: 'lockstep-b', link: 'lockstep-vb', address: '10.213.7.2' },
]
const [here, there] = hosts
const at = host => ['ip', 'netns', 'exec', host.name]

try {
  connectHosts()
  const token = join(folder, 'token')
  await writeFile(token, randomBytes(32).toString('hex'), { mode: 0o600 })
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
  for (const host of hosts) execFileSync('ip', ['netns', 'delete', host.name], { stdio: 'ignore' })
  await rm(folder, { recursive: true })
}

/** Two namespaces and a cable between them. */
function connectHosts() {
  const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  for (const host of hosts) ip('netns', 'add', host.name)
  ip('link', 'add', here.link, 'netns', here.name, 'type', 'veth', 'peer', 'name', there.link, 'netns', there.name)
  for (const { name, link, address } of hosts) {
    ip('-n', name, 'address', 'add', `${address}/24`, 'dev', link)
    ip('-n', name, 'link', 'set', link, 'up')
    ip('-n', name, 'link', 'set', 'lo', 'up')
  }
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
