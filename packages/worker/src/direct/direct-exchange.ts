import type { PackedGradient } from '@lockstep/model/arithmetic'
import {
  type Message,
  type MessageOf,
  maxUnlinkedReasonLength,
  type Range,
  type Received,
  sliceOf,
  type Tensors,
} from '@lockstep/protocol'
import type { Answer } from '../replica.ts'
import type { WorkerWorld } from '../world.ts'
import { createDelayedSender } from './delayed-sender.ts'
import { createGroupExchange, type GroupExchange } from './group-exchange.ts'
import { type GroupLinks, linkGroup } from './group-links.ts'
import { createKeptMeans } from './kept-means.ts'
import type { PeerListener } from './peer-listener.ts'
import { allocateShared, createPieceCoding } from './piece-coding.ts'
import type { BatchFigures } from './step-exchange.ts'
import { createUpdateOrder } from './update-order.ts'

/** The coordinator's messages about the direct exchange. */
export const groupMessages = ['group', 'dissolve', 'recall'] as const

/** Elements of a mean per message to the coordinator: 256 KiB, so that heartbeats get through in between. */
const sliceMessageElements = 65_536
/** Delay of the slices to the coordinator, which leaves the core to the computing thread where they share one. */
const computingFirstMs = 1
/** Delay of the report on a shard, which leaves the core to the sending of the shard's parts. */
const partsFirstMs = 2
/** Steps whose parts are in memory at once, as a rule. */
const stepsInMemory = 2

export type DirectExchangeOptions = {
  readonly welcome: Pick<MessageOf<'welcome'>, 'runId' | 'workerId' | 'sizes' | 'config'>
  readonly listener: PeerListener
  readonly world: Pick<WorkerWorld, 'clock' | 'peers' | 'createYoungCollector'>
  /** Sends to the coordinator. */
  readonly send: (message: Message, tensors?: Tensors) => void
  /** Gives to the computing thread. */
  readonly give: (received: Received) => void
  /** The step that the computing thread has reached. */
  readonly reached: () => number
}

/**
 * A worker's part in the direct exchange. It stands between the coordinator and the computing thread, to which a mean
 * that the workers have reduced among themselves is an `update` like any other.
 */
export type DirectExchange = {
  /** Takes the coordinator's messages about groups and those for the replica. */
  readonly receive: (received: Received) => void
  /** Takes a gradient that belongs to a group. False: the answer is for the coordinator. */
  readonly answer: (answer: Answer) => boolean
  readonly close: () => void
}

type Group = { readonly links: GroupLinks; readonly exchange: GroupExchange }

export function createDirectExchange(options: DirectExchangeOptions): DirectExchange {
  const { welcome, world, send, give } = options
  const { runId, workerId, sizes, config } = welcome
  const groups = new Map<number, Group>()
  const orders = new Map<string, MessageOf<'work'>>()
  const means = createKeptMeans(() => allocateShared(config, sizes.weights), options.reached)
  const updates = createUpdateOrder(give)
  const contributions = createDelayedSender(send, world.clock, partsFirstMs)
  const collectYoung = world.createYoungCollector()

  function receive(received: Received): void {
    const { message } = received
    if (message.type === 'group') return join(message)
    if (message.type === 'dissolve') return dissolve(message.group)
    if (message.type === 'recall') return sendMean(message.step, 0, sizes.weights)
    if (message.type === 'update') return updates.offer(message.step, received)
    if (message.type === 'state') updates.reset(message.step)
    if (message.type === 'work' && message.group !== undefined) note(message)
    give(received)
  }

  /** The replica drops orders of steps before its own and never answers them. */
  function note(order: MessageOf<'work'>): void {
    for (const [key, { step }] of orders) if (step < options.reached()) orders.delete(key)
    orders.set(orderKey(order), order)
  }

  function join(message: MessageOf<'group'>): void {
    const { group } = message
    const members = message.members.length
    const member = message.members.findIndex(entry => entry.workerId === workerId)
    const own = sliceOf(sizes.weights, members, member)
    const exchange = createGroupExchange({
      member,
      members,
      elements: sizes.weights,
      shards: config.shards,
      coding: createPieceCoding(config, stepsInMemory * config.shards * (own.end - own.start)),
      takeVector: means.take,
      send: (...piece) => links.send(...piece),
      onMean: finishStep,
      onUnsound: reason => links.fail(reason),
      onEverywhere: step => {
        world.clock.after(computingFirstMs, () => {
          if (groups.has(group)) tellCoordinator(step, own)
        })
      },
    })
    const links = linkGroup({
      group: message,
      workerId,
      listener: options.listener,
      world,
      onLinked: () => send({ type: 'linked', runId, group }),
      sinkFor: exchange.sinkFor,
      onFailure: reason => send({ type: 'unlinked', runId, group, reason: reason.slice(0, maxUnlinkedReasonLength) }),
    })
    groups.set(group, { links, exchange })
  }

  function tellCoordinator(step: number, { start, end }: Range): void {
    // The coordinator waits for the slice of each member that has one. A member without a slice may get here when the
    // mean of the step is no longer kept.
    if (start < end) sendMean(step, start, end)
    collectYoung()
  }

  /** The replica's step comes first. The coordinator's slices wait until the links between workers are free. */
  function finishStep(figures: BatchFigures, mean: PackedGradient): void {
    const { step, learningRate } = figures
    // From here on a heartbeat may report this worker as past the step, so its contributions to the step must be sent
    // first.
    contributions.flush()
    means.keep(figures, mean)
    updates.offer(step, {
      message: { type: 'update', runId, step, learningRate, slot: null },
      tensors: { gradient: mean },
    })
  }

  function sendMean(step: number, start: number, end: number): void {
    const kept = means.find(step)
    if (kept === null) throw new RangeError(`the mean of step ${step} is not kept any more`)
    const { total, lossSum, correct } = kept.figures
    for (let at = start; at < end; at += sliceMessageElements) {
      const mean = kept.mean.subarray(at, Math.min(end, at + sliceMessageElements))
      send({ type: 'slice', runId, step, start: at, length: mean.length, total, lossSum, correct }, { mean })
    }
  }

  function dissolve(group: number): void {
    groups.get(group)?.links.close()
    groups.delete(group)
    updates.dropEarly()
    contributions.flush()
    send({ type: 'dissolved', runId, group, step: updates.reached() })
  }

  function answer({ message, tensors }: Answer): boolean {
    if (message.type !== 'gradient') return false
    const order = orders.get(orderKey(message))?.group
    orders.delete(orderKey(message))
    const group = order && groups.get(order.id)
    if (order === undefined || group === undefined) return false
    const { step, shard, count, lossSum, correct, times } = message
    const { total, learningRate } = order
    const part = { step, shard, count, total, correct, lossSum, learningRate }
    // Sent before the shard's parts, since the parts may finish the step.
    contributions.send({ type: 'contribution', runId, step, shard, count, lossSum, correct, times })
    group.exchange.addShard(part, tensors.gradient as PackedGradient)
    return true
  }

  function close(): void {
    contributions.close()
    for (const { links } of groups.values()) links.close()
    groups.clear()
    options.listener.close()
  }

  return { receive, answer, close }
}

function orderKey({ step, shard }: { readonly step: number; readonly shard: number }): string {
  return `${step}:${shard}`
}
