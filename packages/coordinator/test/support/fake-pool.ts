import { createRandom, type RandomSource } from '@lockstep/data'
import type { Message, Received, Tensors } from '@lockstep/protocol'
import type { Membership } from '../../src/membership/membership.ts'
import { createFakePeer, type FakePeer } from './fake-peer.ts'
import { createFakeWorker, type FakeWorker, type Say } from './fake-worker.ts'
import type { TinyEngine } from './tiny-engine.ts'

/** Workers in this process. A seeded generator decides how long their messages are in transit. */
export type FakePool = {
  readonly add: () => void
  /** Cuts off one of the workers, with all messages in transit to and from it. */
  readonly kill: () => void
  readonly size: () => number
  readonly stop: () => void
}

type Link = {
  readonly peer: FakePeer
  readonly worker: FakeWorker
  readonly toWorker: Received[]
  readonly toCoordinator: (readonly [Message, Tensors | undefined])[]
}

export function createFakePool(options: {
  readonly membership: Membership
  readonly token: string
  readonly seed: number
  /** The engine of all workers, or of each one by its number, which counts from 1. */
  readonly engine?: TinyEngine | ((worker: number) => TinyEngine | undefined) | undefined
  /** Called before each delivery: the moment to add or kill workers. */
  readonly disturb?: ((pool: FakePool, random: RandomSource) => void) | undefined
}): FakePool {
  const random = createRandom(options.seed, 0)
  const links: Link[] = []
  let stopped = false
  let added = 0

  function add(): void {
    const number = ++added
    const engine = typeof options.engine === 'function' ? options.engine(number) : options.engine
    const say: Say = (message, tensors) => link.toCoordinator.push([message, tensors])
    const link: Link = {
      peer: createFakePeer(received => link.toWorker.push(received)),
      worker: createFakeWorker(say, engine, `fake-${number}`),
      toWorker: [],
      toCoordinator: [],
    }
    links.push(link)
    options.membership.accept('memory', link.peer.connect)
    link.worker.hello(options.token)
  }

  function kill(): void {
    const [link] = links.splice(random.below(links.length), 1)
    link?.peer.hangUp()
  }

  /** Delivers one message after another, each the oldest of a connection and direction chosen at random. */
  function pump(): void {
    if (stopped) return
    options.disturb?.(pool, random)
    const busy = links.filter(({ toWorker, toCoordinator }) => toWorker.length + toCoordinator.length > 0)
    if (busy.length > 0) deliver(busy[random.below(busy.length)]!)
    setImmediate(pump)
  }

  function deliver({ peer, worker, toWorker, toCoordinator }: Link): void {
    const inbound = toCoordinator.length === 0 || (toWorker.length > 0 && random.below(2) === 0)
    if (inbound) worker.receive(toWorker.shift()!)
    else peer.say(...toCoordinator.shift()!)
  }

  const pool: FakePool = {
    add,
    kill,
    size: () => links.length,
    stop: () => {
      stopped = true
    },
  }
  pump()
  return pool
}
