import type { Cluster } from '../cluster/cluster.ts'
import type { WorkerSeat } from '../cluster/worker-seat.ts'
import { mostWorkers } from '../scenario.ts'
import type { Ending, SimulatedProcess } from '../world/process.ts'
import { type Fault, type FaultKind, toldBy } from './fault.ts'

type Inflict = (cluster: Cluster, fault: Fault, worker: WorkerSeat) => void

/** Makes a fault happen now. A fault that lasts is ended when its time is over. */
export function inflict(cluster: Cluster, fault: Fault): void {
  const worker = cluster.workers[(fault.worker - 1) % cluster.workers.length]!
  inflictions[fault.kind](cluster, fault, worker)
}

const inflictions: Readonly<Record<FaultKind, Inflict>> = {
  'worker killed': (_, { acts }, worker) => worker.process().dieAfter(acts, 'kill'),
  'worker loses power': (_, { acts }, worker) => worker.process().dieAfter(acts, 'power-loss'),
  'worker suspended': (cluster, fault, worker) => suspend(cluster, fault, worker.process()),
  'worker slow': (cluster, { forMs, variant }, worker) => {
    worker.setPace(2 + 40 * variant)
    cluster.time.after(forMs, () => worker.setPace(1))
  },
  'worker leaves': (_, __, worker) => worker.leave(),
  'worker joins': cluster => {
    if (cluster.workers.length < mostWorkers) cluster.addWorker()
  },
  'computing thread hangs': (_, __, worker) => worker.hang(),
  'gradient not finite': (cluster, _, worker) => cluster.spoilOnce(worker),
  'connection cut': (cluster, { variant }, worker) => {
    for (const connection of connectionsOf(cluster, worker)) connection.cut(toldBy(variant))
  },
  'connection half-open': (cluster, _, worker) => {
    for (const connection of connectionsOf(cluster, worker)) connection.cut([false, false])
  },
  'link cut': (cluster, { variant }, worker) => {
    for (const link of chooseLinks(cluster, worker, variant)) link.cut(toldBy(variant))
  },
  'link half-open': (cluster, { variant }, worker) => {
    for (const link of chooseLinks(cluster, worker, variant)) link.cut([false, false])
  },
  'link partition': (cluster, fault, worker) => {
    for (const other of othersOf(cluster, worker, fault.variant)) {
      block(cluster, worker.host, other.host, fault.forMs)
      block(cluster, other.host, worker.host, fault.forMs)
    }
  },
  'one-way link partition': (cluster, fault, worker) => {
    for (const other of othersOf(cluster, worker, fault.variant)) {
      const [from, to] = fault.variant < 0.5 ? [worker, other] : [other, worker]
      block(cluster, from.host, to.host, fault.forMs)
    }
  },
  'path slow': (cluster, { forMs, variant }, worker) => {
    const others = variant < 0.5 ? [cluster.coordinator.process()] : othersOf(cluster, worker, variant)
    for (const { host } of others) {
      cluster.network.slowPath(worker.host, host, 400 * variant)
      cluster.time.after(forMs, () => cluster.network.slowPath(worker.host, host, 0))
    }
  },
  'worker ignores the end of groups': (cluster, { forMs }, worker) => {
    worker.ignoreEnds(true)
    cluster.time.after(forMs, () => worker.ignoreEnds(false))
  },
  partition: (cluster, { forMs }, { host }) => {
    block(cluster, host, cluster.coordinator.process().host, forMs)
    block(cluster, cluster.coordinator.process().host, host, forMs)
  },
  'one-way partition': (cluster, { forMs, variant }, { host }) => {
    if (variant < 0.5) block(cluster, host, cluster.coordinator.process().host, forMs)
    else block(cluster, cluster.coordinator.process().host, host, forMs)
  },
  'network slow': (cluster, { forMs, variant }, { host }) => {
    cluster.network.slowDown(host, 300 * variant)
    cluster.time.after(forMs, () => cluster.network.slowDown(host, 0))
  },
  'coordinator killed': (cluster, { acts }) => end(cluster, acts, 'kill'),
  'coordinator loses power': (cluster, { acts }) => end(cluster, acts, 'power-loss'),
  'coordinator suspended': (cluster, fault) => suspend(cluster, fault, cluster.coordinator.process()),
  'coordinator interrupted': cluster => cluster.coordinator.interrupt(),
  'coordinator superseded': (cluster, fault) => {
    if (fault.variant < 0.6) suspend(cluster, fault, cluster.coordinator.process())
    cluster.coordinator.supersede()
    // The workers lose the first coordinator, and some of them the other one soon after. They then look for a
    // coordinator and may find either.
    cutAll(cluster, [true, true])
    cluster.time.after(500 + 500 * fault.variant, () => cutAll(cluster, [true, true]))
  },
  'disk full': (cluster, { forMs }) => {
    cluster.disk.setFull(true)
    cluster.time.after(forMs, () => cluster.disk.setFull(false))
  },
  'disk slow': (cluster, { forMs, variant }) => {
    cluster.disk.setSlow(100 * variant)
    cluster.time.after(forMs, () => cluster.disk.setSlow(0))
  },
}

function end(cluster: Cluster, acts: number, ending: Ending): void {
  cluster.coordinator.process().dieAfter(acts, ending)
}

function suspend(cluster: Cluster, { forMs }: Fault, process: SimulatedProcess): void {
  process.suspend()
  cluster.time.after(forMs, process.resume)
}

function block(cluster: Cluster, from: string, to: string, forMs: number): void {
  cluster.network.block(from, to)
  cluster.time.after(forMs, () => cluster.network.unblock(from, to))
}

function cutAll(cluster: Cluster, told: readonly [boolean, boolean]): void {
  for (const connection of cluster.network.connections()) connection.cut(told)
}

function connectionsOf(cluster: Cluster, { host }: WorkerSeat) {
  return cluster.network.connections().filter(({ hosts }) => hosts.includes(host))
}

/** One of a worker's links to others, or all. */
function chooseLinks(cluster: Cluster, worker: WorkerSeat, variant: number) {
  const hosts = new Set(cluster.workers.map(({ host }) => host))
  return choose(
    connectionsOf(cluster, worker).filter(connection => connection.hosts.every(host => hosts.has(host))),
    variant,
  )
}

/** One of the other workers, or all. */
function othersOf(cluster: Cluster, worker: WorkerSeat, variant: number): readonly WorkerSeat[] {
  return choose(
    cluster.workers.filter(other => other !== worker),
    variant,
  )
}

function choose<T>(among: readonly T[], variant: number): readonly T[] {
  const at = Math.floor(((variant * 10) % 1) * among.length * 1.3)
  return at < among.length ? among.slice(at, at + 1) : among
}
