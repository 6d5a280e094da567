// Hosts as network namespaces: one with only its loopback, or many on a switch, each with its own link.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'

/** Name prefixes of the namespaces of all benchmarks and of this process, since several benchmarks may run at once. */
const family = 'lockstep-net'
const prefix = `${family}-${process.pid}`
/** The folder of iproute2's named namespaces. */
const namespaces = '/run/netns'
/** Linux's default, set explicitly because this machine may have another one, with different throughput. */
const congestionControl = 'cubic'
const switchName = `${prefix}-switch`

/**
 * Creates a single host. Needs root and iproute2.
 *
 * @returns the namespaces of the coordinator and the workers, which are all the same, and how they reach each other.
 */
export function createLoopback(workers) {
  const name = `${prefix}-loopback`
  ip(['netns', 'add', name])
  ip(['-n', name, 'link', 'set', 'lo', 'up'])
  const everywhere = Array.from({ length: workers + 1 }, () => ({ name, address: '127.0.0.1' }))
  return { hosts: everywhere, interfaceName: 'lo', remove: () => removeNamespaces([name]) }
}

/** Creates a host for the coordinator (host 0) and one for each worker, on a switch. */
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
    /** Unplugs a host's cable from the switch, or plugs it in again. Its addresses and routes stay. */
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
 * Gives a host its address at an interface that is up, and sets the congestion control for its traffic. That is set on
 * the route, because a namespace cannot itself choose an algorithm that the machine restricts.
 */
export function addAddress(name, device, address) {
  const subnet = address.replace(/\d+$/, '0/24')
  const route = ['dev', device, 'scope', 'link', 'src', address]
  ip(['-n', name, 'address', 'add', `${address}/24`, 'dev', device])
  ip(['-n', name, 'route', 'replace', subnet, ...route, 'congctl', congestionControl])
}

/**
 * Tells a host the hardware addresses of the others. The kernel keeps the addresses that hosts discover in one table
 * for all namespaces, and drops packets beyond 1,024 entries, which 33 hosts that all know each other exceed.
 */
function introduce({ name }, hosts) {
  const others = hosts.filter(host => host.name !== name)
  const lines = others.map(
    ({ address, hardware }) => `neighbour add ${address} lladdr ${hardware} dev eth0 nud permanent\n`,
  )
  ip(['-n', name, '-batch', '-'], lines.join(''))
}

/** Removes the namespaces that this process has left, and those of killed benchmarks. */
export function removeLeftovers() {
  const names = existsSync(namespaces) ? readdirSync(namespaces) : []
  removeNamespaces(names.filter(name => name.startsWith(`${family}-`) && !isOfAnother(name)))
}

/** The existing namespaces of this process. */
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

/** Runs `ip` of iproute2; `input` is its standard input. */
export function ip(args, input = '') {
  execFileSync('ip', args, { input, stdio: ['pipe', 'ignore', 'inherit'] })
}
