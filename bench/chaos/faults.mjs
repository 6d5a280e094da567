// The kinds of faults. Each begins a fault and returns what it did and to what, how long it lasts, and how to end it.
import { interrupted } from '@lockstep/protocol'
import { sendSignal } from '../support/process-tree.mjs'
import { port } from './stage.mjs'

const garbage = [
  'random bytes',
  'an HTTP request',
  'half a WebSocket handshake',
  'a WebSocket frame of 2^46 bytes',
  'a header of 4 GiB',
  'a header of pointers to pointers',
  'a header of records of a long key',
  'a text message',
  'a wrong token',
  'no hello',
  'a hundred connections',
]

/**
 * The kinds of faults in a round. A kind returns null if nothing can fail in this way at the moment. Durations are
 * around the time after which lockstep assumes a failure: 1.6 s of silence.
 */
export function listKinds({ stage, conduct, pool, random }) {
  const { disk, network, relay, stranger, hosts } = stage
  const seconds = (low, high) => 1000 * random.between(low, high)
  let thrown = random.shuffle(garbage)

  function workers() {
    const local = conduct.localWorkerPids().map(pid => ({
      name: `local (${pid})`,
      kill: () => sendSignal(pid, 'SIGKILL'),
      signal: name => sendSignal(pid, name),
    }))
    return [...pool.living(), ...local]
  }

  function suspend(name, signal, lastsMs) {
    if (!signal('SIGSTOP')) return null
    return { detail: name, lastsMs, end: () => signal('SIGCONT') }
  }

  async function ask(request, lastsMs) {
    const { detail } = await relay.ask({ ...request, ms: request.ms ?? 0 })
    return { detail, lastsMs, end: lastsMs > 0 ? () => relay.ask({ do: 'pass' }) : undefined }
  }

  async function throwGarbage() {
    if (thrown.length === 0) thrown = random.shuffle(garbage)
    const what = thrown.pop()
    const { answer, isIn } = await stranger.ask({ do: what, host: hosts.center.address, port })
    return { detail: `${what}: ${answer}`, lastsMs: 0, isWrong: isIn }
  }

  return {
    'worker killed': () => {
      const worker = random.pick(workers())
      return worker?.kill() === true ? { detail: worker.name, lastsMs: 0 } : null
    },
    'worker suspended': () => {
      const worker = random.pick(workers())
      return worker === undefined ? null : suspend(worker.name, worker.signal, seconds(0.5, 6))
    },
    'coordinator killed': () => {
      const pid = conduct.coordinatorPid()
      return pid !== null && sendSignal(pid, 'SIGKILL') ? { detail: '', lastsMs: 0 } : null
    },
    'coordinator suspended': () => {
      const pid = conduct.coordinatorPid()
      return pid === null ? null : suspend('', name => sendSignal(pid, name), seconds(0.5, 4))
    },
    'link down': () => {
      const name = random.pick(['center', 'remote', 'relayed', 'between'])
      network.setCable(hosts[name], false)
      return { detail: linkNames[name], lastsMs: seconds(0.3, 5), end: () => network.setCable(hosts[name], true) }
    },
    'relay stalls': () => ask({ do: 'stall' }, seconds(0.5, 5)),
    'relay delays': () => ask({ do: 'delay', ms: random.between(20, 400) }, seconds(1, 4)),
    'relay cuts off': () => ask({ do: 'cut' }, 0),
    'half-open connection': () => ask({ do: 'half-open' }, seconds(1, 5)),
    'garbage on the port': throwGarbage,
    'disk full': () => {
      const bytes = disk.fill()
      return { detail: `${(bytes / 1e6).toFixed(0)} MB`, lastsMs: seconds(0.5, 4), end: disk.free }
    },
  }
}

const linkNames = {
  center: "the coordinator's",
  remote: "the remote worker's",
  relayed: "the relayed worker's",
  between: "the relay's",
}

/** Lets guests join and leave until it is aborted, and reports them like faults. */
export async function churn({ pool, hosts, random, record, signal, onFault }) {
  const most = 2
  while (!signal.aborted) {
    if (await interrupted(random.between(1_500, 6_000), signal)) return
    const guests = pool.living().filter(({ isGuest, isAsked }) => isGuest && !isAsked)
    const leaves = guests.length >= most || (guests.length > 0 && random.next() < 0.5)
    const fault = leaves ? dismiss(random.pick(guests)) : invite()
    if (fault !== null)
      onFault({ atMs: performance.now(), phase: record.phase, active: record.active, lastsMs: 0, ...fault })
  }

  function invite() {
    const where = random.pick(['center', 'remote'])
    return { kind: 'worker joins', detail: `${pool.invite(hosts[where])} at ${linkNames[where].split("'")[0]}` }
  }

  function dismiss(guest) {
    return guest.leave() ? { kind: 'worker leaves', detail: guest.name } : null
  }
}
