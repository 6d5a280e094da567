// Hosts that are network namespaces: one with nothing but its loopback, or many on a switch, each with a link of its own.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'

/** Of the namespaces of all benchmarks, and of those of this process: several may run at once. */
const family = 'lockstep-net'
const prefix = `${family}-${process.pid}`
/** Where iproute2 keeps namespaces by name. */
const namespaces = '/run/netns'
/** Linux's default, whatever this machine's is: with another one links do not carry the same. */
const congestionControl = 'cubic'
const switchName = `${prefix}-switch`

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
    hardware: `02:00:00:00:00:${(index + 1).toString(16).padStart(2, '0')}`,
    port: `port${index}`,
  }))
  ip(['netns', 'add', switchName])
  ip(['-n', switchName, 'link', 'add', 'switch', 'type', 'bridge', 'forward_delay', '0'])
  ip(['-n', switchName, 'link', 'set', 'switch', 'up'])
  for (const { name } of hosts) ip(['netns', 'add', name])
  for (const host of hosts) plugIn(host)
  for (const host of hosts) introduce(host, hosts)
  const names = [switchName, ...hosts.map(({ name }) => name)]
  return {
    hosts,
    interfaceName: 'eth0',
    switchName,
    /** Pulls a host's cable out of the switch, or puts it in again: its addresses and routes stay. */
    setCable: ({ port }, isIn) => ip(['-n', switchName, 'link', 'set', port, isIn ? 'up' : 'down']),
    remove: () => removeNamespaces(names),
  }
}

function plugIn({ name, address, hardware, port }) {
  const cable = ['type', 'veth', 'peer', 'name', port, 'netns', switchName]
  ip(['link', 'add', 'eth0', 'address', hardware, 'netns', name, ...cable])
  ip(['-n', name, 'link', 'set', 'lo', 'up'])
  ip(['-n', name, 'link', 'set', 'eth0', 'addrgenmode', 'none', 'up'])
  addAddress(name, 'eth0', address)
  ip(['-n', switchName, 'link', 'set', port, 'master', 'switch', 'addrgenmode', 'none', 'up'])
}

/**
 * Gives a host its address at an interface that is up, and the congestion control for what goes there: by the route, as a
 * namespace may not choose an algorithm for itself that the machine restricts.
 */
export function addAddress(name, device, address) {
  const subnet = address.replace(/\d+$/, '0/24')
  const route = ['dev', device, 'scope', 'link', 'src', address]
  ip(['-n', name, 'address', 'add', `${address}/24`, 'dev', device])
  ip(['-n', name, 'route', 'replace', subnet, ...route, 'congctl', congestionControl])
}

/**
 * Tells a host the hardware addresses of the others. The kernel keeps what hosts find out by themselves in one table for all
 * namespaces: more than 1,024 entries, those of 33 hosts that all know each other, and it drops their packets.
 */
function introduce({ name }, hosts) {
  const others = hosts.filter(host => host.name !== name)
  const lines = others.map(
    ({ address, hardware }) => `neighbour add ${address} lladdr ${hardware} dev eth0 nud permanent\n`,
  )
  ip(['-n', name, '-batch', '-'], lines.join(''))
}

/** What this process has left, and what others have that were ended by force. */
export function removeLeftovers() {
  const names = existsSync(namespaces) ? readdirSync(namespaces) : []
  removeNamespaces(names.filter(name => name.startsWith(`${family}-`) && !isOfAnother(name)))
}

/** Namespaces of this process that are there. */
export function listOwnNamespaces() {
  const names = existsSync(namespaces) ? readdirSync(namespaces) : []
  return names.filter(name => name.startsWith(`${prefix}-`))
}

function isOfAnother(name) {
  const pid = Number(name.split('-')[2])
  return pid !== process.pid && existsSync(`/proc/${pid}`)
}

function removeNamespaces(names) {
  for (const name of names) execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' })
}

/** Runs `ip` of iproute2; `input` is what it reads. */
export function ip(args, input = '') {
  execFileSync('ip', args, { input, stdio: ['pipe', 'ignore', 'inherit'] })
}
