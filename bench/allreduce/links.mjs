// The speed and delay of the links between hosts.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { addAddress, ip } from '../support/network.mjs'

/** Arguments of `tc tbf` for a rate. The burst holds one of the kernel's 64 KiB packets where possible. */
const buckets = {
  '1gbit': ['rate', '1gbit', 'burst', '80kb', 'latency', '50ms'],
  '100mbit': ['rate', '100mbit', 'burst', '16kb', 'latency', '50ms'],
}

/**
 * Limits both directions of every link of a switch: sending at the host's end of the cable, receiving at the switch's.
 */
export function setRate({ hosts, switchName }, rate) {
  for (const { name, port } of hosts) {
    tc(['-n', name, 'qdisc', 'replace', 'dev', 'eth0', 'root', 'tbf', ...buckets[rate]])
    tc(['-n', switchName, 'qdisc', 'replace', 'dev', port, 'root', 'tbf', ...buckets[rate]])
  }
}

/**
 * Connects hosts by a second network, `delay0`, that only delays packets, by `oneWayMs` each way.
 *
 * @returns the hosts with their addresses there, and a function that removes it.
 */
export async function addDelay(hosts, oneWayMs) {
  const delayed = hosts.map((host, index) => ({ ...host, address: `10.214.7.${index + 1}` }))
  const script = fileURLToPath(new URL('delay_packets.py', import.meta.url))
  const places = delayed.map(({ name, address }) => `${name}=${address}`)
  const relay = spawn('python3', [script, `${oneWayMs}`, ...places], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(relay, 'close')
  await Promise.race([once(relay.stdout, 'data'), ended])
  if (relay.exitCode !== null) throw new Error('the relay that delays packets did not start')
  for (const { name, address } of delayed) {
    ip(['-n', name, 'link', 'set', 'delay0', 'mtu', '65500', 'txqueuelen', '10000', 'addrgenmode', 'none', 'up'])
    addAddress(name, 'delay0', address)
  }
  const end = async () => {
    relay.stdin.end()
    await ended
  }
  return { hosts: delayed, interfaceName: 'delay0', end }
}

function tc(args) {
  execFileSync('tc', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
