import { randomBytes } from 'node:crypto'
import type { PackedGradient } from '@lockstep/model/arithmetic'
import { type Message, type MessageOf, sliceOf, type Tensors } from '@lockstep/protocol'
import { createDeferred, type Deferred } from '../deferred.ts'
import { createGroupRetry } from './group-retry.ts'
import { createGroups, type Group, type GroupEnd, type Groups } from './groups.ts'
import { createMeanArrival, type MeanArrival, type MeanFigures, type WriteMean } from './mean-arrival.ts'
import { createReplyTimers } from './reply-timers.ts'

/** Messages from workers about the direct exchange. */
export type DirectMessage = MessageOf<'linked'> | MessageOf<'unlinked'> | MessageOf<'dissolved'> | MessageOf<'slice'>

export function isDirect(message: Message): message is DirectMessage {
  const { type } = message
  return type === 'linked' || type === 'unlinked' || type === 'dissolved' || type === 'slice'
}

export type DirectOptions = {
  readonly runId: string
  /** Elements of the flat vector. */
  readonly elements: number
  readonly send: (workerId: number, message: Message) => void
  /** The coordinator's own step. */
  readonly step: () => number
  /** A worker needs the full state: it can no longer get the updates it lacks. */
  readonly onBehind: (workerId: number) => void
  /**
   * Replicas have applied a mean that must not be applied: all need the full state, and their pending answers are void.
   */
  readonly onUnusableMean: (reason: string) => void
  /** A worker is alive but does not answer a message on which a step depends. */
  readonly onUnanswered: (workerId: number, reason: string) => void
  readonly onLinked: (workers: number) => void
  readonly onOver: (cause: GroupEnd, reason: string) => void
  readonly nowMs: () => number
}

/**
 * The coordinator's part in the direct exchange: it introduces workers to each other, follows them, and steps in when
 * one is lost.
 */
export type Direct = Pick<Groups, 'join' | 'leave' | 'introduce' | 'current'> & {
  /** Takes a message from a worker. Returns what is wrong with it, or null. */
  readonly receive: (workerId: number, message: DirectMessage, tensors: Tensors) => string | null
  /** Resolves when the whole mean of a step is written. Each member sends its slice. */
  readonly expectMean: (step: number, group: Group, write: WriteMean) => Promise<MeanFigures>
  /** Every shard of this step is computed: what is missing of its mean is in transit. */
  readonly noteComputed: (step: number) => void
  /** Drops the members of a group because they have applied an unusable mean. No group is formed after that. */
  readonly reject: (group: Group, reason: string) => void
  readonly isRejected: (group: Group) => boolean
  /** Stops waiting for the mean of a step. */
  readonly forgetMean: (step: number) => void
  /** Asks a worker that has passed a step for its mean. Resolves with null when the worker is lost. */
  readonly recallMean: (step: number, workerId: number, write: WriteMean) => Promise<MeanFigures | null>
  /** A worker has answered, so it makes progress. */
  readonly noteProgress: (workerId: number) => void
  readonly hearHeartbeat: (workerId: number) => void
  /**
   * Ends a group that is not linked in time or has halted, lets a failed group be tried again later, and gives up
   * workers that do not answer `dissolve` or `recall`. Called regularly.
   */
  readonly look: () => void
}

/**
 * A mean that arrives in slices from all members (`from` is null), or whole from one worker, which may be lost first.
 * The entry stays until the mean is whole and every worker has reported what it computed for it.
 */
type AwaitedMean = { readonly arrival: MeanArrival; isComputed: boolean; isWhole: boolean } & (
  | { readonly from: null; readonly done: Deferred<MeanFigures> }
  | { readonly from: number; readonly done: Deferred<MeanFigures | null> }
)

export function createDirect(options: DirectOptions): Direct {
  const { runId, elements, nowMs } = options
  const groups = createGroups({ ...options, newToken: () => randomBytes(32).toString('hex') })
  const awaited = new Map<number, AwaitedMean>()
  const rejected = new WeakSet<Group>()
  const replyTimers = createReplyTimers(nowMs)
  const answerMs = transferMs(elements)
  const retry = createGroupRetry(groups, answerMs, nowMs)
  let isTrusted = true
  let progressAt = nowMs()

  function receive(workerId: number, message: DirectMessage, tensors: Tensors): string | null {
    noteProgress(workerId)
    if (message.type === 'slice') return takeSlice(workerId, message, tensors.mean as PackedGradient)
    groups.receive(workerId, message)
    return null
  }

  function noteProgress(workerId: number): void {
    progressAt = nowMs()
    replyTimers.restart(workerId)
  }

  /** Slices of a step that nobody waits for are late: its mean was obtained another way. */
  function takeSlice(workerId: number, slice: MessageOf<'slice'>, mean: PackedGradient): string | null {
    const entry = awaited.get(slice.step)
    if (entry === undefined || entry.isWhole) return null
    const fault = entry.arrival.take(workerId, slice, mean)
    const figures = entry.arrival.figures()
    if (figures === null) return fault
    entry.isWhole = true
    if (entry.isComputed) awaited.delete(slice.step)
    entry.done.resolve(figures)
    return fault
  }

  function expectMean(step: number, group: Group, write: WriteMean): Promise<MeanFigures> {
    const { members } = group
    const ranges = new Map(members.map((workerId, place) => [workerId, sliceOf(elements, members.length, place)]))
    const done = createDeferred<MeanFigures>()
    progressAt = nowMs()
    awaited.set(step, {
      from: null,
      isComputed: false,
      isWhole: false,
      arrival: createMeanArrival(write, ranges),
      done,
    })
    return done.promise
  }

  function recallMean(step: number, workerId: number, write: WriteMean): Promise<MeanFigures | null> {
    if (!groups.isPresent(workerId)) return Promise.resolve(null)
    const arrival = createMeanArrival(write, new Map([[workerId, { start: 0, end: elements }]]))
    const done = createDeferred<MeanFigures | null>()
    awaited.set(step, { from: workerId, isComputed: true, isWhole: false, arrival, done })
    options.send(workerId, { type: 'recall', runId, step })
    return done.promise
  }

  function reject(group: Group, reason: string): void {
    if (rejected.has(group)) return
    rejected.add(group)
    isTrusted = false
    options.onUnusableMean(reason)
  }

  function leave(workerId: number): void {
    for (const [step, { from, done }] of awaited) {
      if (from === null || from !== workerId) continue
      awaited.delete(step)
      done.resolve(null)
    }
    groups.leave(workerId)
  }

  function giveUpOverdue(): void {
    const unanswered = groups.unanswered()
    const recalled = [...awaited.values()].flatMap(({ from }) => from ?? [])
    for (const workerId of replyTimers.overdue([...unanswered, ...recalled], answerMs)) {
      const request = unanswered.includes(workerId) ? 'dissolve' : 'recall'
      options.onUnanswered(workerId, `no answer to ${request} for ${(answerMs / 1000).toFixed(0)} s`)
    }
  }

  function look(): void {
    retry.look()
    giveUpOverdue()
    if (awaited.size === 0) return
    const isComputed = [...awaited.values()].some(mean => mean.isComputed || mean.isWhole)
    const haltMs = answerMs + (isComputed ? 0 : computeMs)
    if (nowMs() - progressAt < haltMs) return
    groups.breakUp('halted', `nothing has come for ${(haltMs / 1000).toFixed(0)} s`)
  }

  return {
    ...groups,
    introduce: () => {
      if (isTrusted) groups.introduce()
    },
    receive,
    expectMean,
    noteComputed: step => {
      const mean = awaited.get(step)
      if (mean === undefined) return
      mean.isComputed = true
      if (mean.isWhole) awaited.delete(step)
    },
    reject,
    isRejected: group => rejected.has(group),
    forgetMean: step => void awaited.delete(step),
    recallMean,
    leave,
    look,
    noteProgress,
    hearHeartbeat: replyTimers.hearHeartbeat,
  }
}

/** Longer than one shard may take. */
const computeMs = 140_000

/** Time for four vectors at 1 MB/s, plus 10 s for delays of machines and links. */
function transferMs(elements: number): number {
  return 10_000 + (4 * elements * Float32Array.BYTES_PER_ELEMENT) / 1000
}
