// Hosts that are network namespaces: one with nothing but its loopback, or many on a switch, each with a link of its own.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Of the namespaces of all processes of this benchmark, and of those of this one: several may run at once. */
const family = 'lockstep-ar'
const prefix = `${family}-${process.pid}`
/** Where iproute2 keeps namespaces by name. */
const namespaces = '/run/netns'
const switchName = `${prefix}-switch`

/** How fast a link is, and what `tc tbf` needs for it: a burst that holds one of the kernel's 64 KiB packets where it can. */
export const rates = {
  '1gbit': { bitsPerSecond: 1e9, bucket: ['rate', '1gbit', 'burst', '80kb', 'latency', '50ms'] },
  '100mbit': { bitsPerSecond: 1e8, bucket: ['rate', '100mbit', 'burst', '16kb', 'latency', '50ms'] },
}

/**
 * A host by itself. Needs root and iproute2.
 *
 * @returns the namespace of the coordinator and those of the workers, all the same, and how they reach one another.
 */
export function createLoopback(workers) {
  const name = `${prefix}-loopback`
  ip(['netns', 'add', name])
  ip(['-n', name, 'link', 'set', 'lo', 'up'])
  const everywhere = Array.from({ length: workers + 1 }, () => ({ name, address: '127.0.0.1' }))
  return { hosts: everywhere, interfaceName: 'lo', remove: () => removeNamespaces([name]) }
}

/** So many hosts beside the coordinator's, on a switch. Host 0 is the coordinator's. */
export function createSwitch(workers) {
  const hosts = Array.from({ length: workers + 1 }, (_, index) => ({
    name: `${prefix}-${index}`,
    address: `10.213.7.${index + 1}`,
    port: `port${index}`,
  }))
  ip(['netns', 'add', switchName])
  ip(['-n', switchName, 'link', 'add', 'switch', 'type', 'bridge', 'forward_delay', '0'])
  ip(['-n', switchName, 'link', 'set', 'switch', 'up'])
  for (const { name } of hosts) ip(['netns', 'add', name])
  for (const host of hosts) plugIn(host)
  const names = [switchName, ...hosts.map(({ name }) => name)]
  return {
    hosts,
    interfaceName: 'eth0',
    /** Limits both directions of every link. */
    setRate: rate => {
      for (const host of hosts) limit(host, rates[rate].bucket)
    },
    remove: () => removeNamespaces(names),
  }
}

function plugIn({ name, address, port }) {
  const cable = ['type', 'veth', 'peer', 'name', port, 'netns', switchName]
  ip(['link', 'add', 'eth0', 'netns', name, ...cable])
  ip(['-n', name, 'address', 'add', `${address}/24`, 'dev', 'eth0'])
  ip(['-n', name, 'link', 'set', 'lo', 'up'])
  ip(['-n', name, 'link', 'set', 'eth0', 'addrgenmode', 'none', 'up'])
  ip(['-n', switchName, 'link', 'set', port, 'master', 'switch', 'addrgenmode', 'none', 'up'])
}

/**
 * Joins hosts by a second network, `delay0`, that delays packets by so much each way and does nothing else to them.
 *
 * @returns the hosts with their addresses there, and what ends it.
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
    ip(['-n', name, 'address', 'add', `${address}/24`, 'dev', 'delay0'])
    ip(['-n', name, 'link', 'set', 'delay0', 'mtu', '65500', 'txqueuelen', '10000', 'addrgenmode', 'none', 'up'])
  }
  const end = async () => {
    relay.stdin.end()
    await ended
  }
  return { hosts: delayed, interfaceName: 'delay0', end }
}

/** What a host sends is limited at its own end of the cable, what it receives at the switch's. */
function limit({ name, port }, bucket) {
  tc(['-n', name, 'qdisc', 'replace', 'dev', 'eth0', 'root', 'tbf', ...bucket])
  tc(['-n', switchName, 'qdisc', 'replace', 'dev', port, 'root', 'tbf', ...bucket])
}

/** What this process has left, and what others have that were ended by force. */
export function removeLeftovers() {
  const names = existsSync(namespaces) ? readdirSync(namespaces) : []
  removeNamespaces(names.filter(name => name.startsWith(`${family}-`) && !isOfAnother(name)))
}

function isOfAnother(name) {
  const pid = Number(name.split('-')[2])
  return pid !== process.pid && existsSync(`/proc/${pid}`)
}

function removeNamespaces(names) {
  for (const name of names) execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' })
}

function ip(args) {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

function tc(args) {
  execFileSync('tc', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
