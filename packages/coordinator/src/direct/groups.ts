import { type Cancel, type Message, type MessageOf, maxGroupMembers } from '@lockstep/protocol'
import { createDeferred, type Deferred } from '../deferred.ts'

/** A group: workers that exchange gradients among themselves. All active workers are members. */
export type Group = {
  readonly id: number
  /** Ids of workers, by their place in the group. */
  readonly members: readonly number[]
  /**
   * Calls the listener once when the group ends, or soon if it has already ended. Returns a function that cancels this:
   * a group outlives many steps.
   */
  readonly onOver: (listener: () => void) => Cancel
  /** Resolves when the group has ended and every remaining member has reported the step it has reached. */
  readonly settled: Promise<ReadonlyMap<number, number>>
}

/** Why a group ended: its members changed, a link between them failed, or it made no progress for too long. */
export type GroupEnd = 'changed' | 'unlinked' | 'halted'

export type GroupsOptions = {
  readonly runId: string
  readonly send: (workerId: number, message: Message) => void
  readonly newToken: () => string
  /** The coordinator's own step. */
  readonly step: () => number
  /** A member of an ended group has not reached the step that the coordinator had reached when the group ended. */
  readonly onBehind: (workerId: number) => void
  readonly onLinked: (workers: number) => void
  readonly onOver: (cause: GroupEnd, reason: string) => void
}

/** The groups of a run, of which at most one is in use. Knows neither sockets nor clocks. */
export type Groups = {
  /** A worker joins; `url` is where the others reach it, or null. */
  readonly join: (workerId: number, url: string | null) => void
  readonly leave: (workerId: number) => void
  readonly isPresent: (workerId: number) => boolean
  /**
   * Introduces the workers to each other, unless they are introduced already, could not be linked before, or are too
   * many.
   */
  readonly introduce: () => void
  /** The group whose members are all linked, or null. */
  readonly current: () => Group | null
  readonly receive: (
    workerId: number,
    message: MessageOf<'linked'> | MessageOf<'unlinked'> | MessageOf<'dissolved'>,
  ) => void
  /**
   * Ends a group that does not work. Its open steps go through the coordinator, and so do all further ones until
   * workers change or a retry is allowed.
   */
  readonly breakUp: (cause: GroupEnd, reason: string) => void
  /** Whether the last group did not work. */
  readonly hasFailed: () => boolean
  readonly allowRetry: () => void
  /** The id of the group that is introduced but not fully linked yet, or null. */
  readonly linking: () => number | null
  /** Members of ended groups that were in use, which have yet to report the step they have reached. */
  readonly unanswered: () => readonly number[]
}

type GroupState = Group & {
  readonly unlinked: Set<number>
  readonly listeners: Set<() => void>
  isOver: boolean
  readonly answered: Deferred<ReadonlyMap<number, number>>
  readonly reached: Map<number, number>
  /** Members that have yet to answer `dissolve`. */
  readonly unanswered: Set<number>
  stepAtEnd: number
}

export function createGroups(options: GroupsOptions): Groups {
  const { runId, send } = options
  const peers = new Map<number, string | null>()
  const ending = new Map<number, GroupState>()
  let group: GroupState | null = null
  let nextId = 1
  let failed = false

  function changed(reason: string): void {
    failed = false
    dissolve('changed', reason)
  }

  function introduce(): void {
    if (group !== null || failed || peers.size < 2 || peers.size > maxGroupMembers) return
    const members = [...peers].map(([workerId, url]) => ({ workerId, url }))
    if (!members.every((member): member is { workerId: number; url: string } => member.url !== null)) return
    group = newGroup(nextId++, [...peers.keys()])
    const introduction: Message = { type: 'group', runId, group: group.id, members, token: options.newToken() }
    for (const workerId of group.members) send(workerId, introduction)
  }

  function dissolve(cause: GroupEnd, reason: string): void {
    if (group === null) return
    const over = group
    group = null
    over.stepAtEnd = options.step()
    for (const workerId of over.members) {
      if (!peers.has(workerId)) continue
      over.unanswered.add(workerId)
      send(workerId, { type: 'dissolve', runId, group: over.id })
    }
    ending.set(over.id, over)
    over.isOver = true
    for (const listener of over.listeners) listener()
    over.listeners.clear()
    if (isLinked(over) || failed) options.onOver(cause, reason)
    settle(over)
  }

  function breakUp(cause: GroupEnd, reason: string): void {
    failed = true
    dissolve(cause, reason)
  }

  function settle(over: GroupState): void {
    if (over.unanswered.size > 0) return
    ending.delete(over.id)
    over.answered.resolve(over.reached)
  }

  function leave(workerId: number): void {
    peers.delete(workerId)
    changed(`worker ${workerId} has left`)
    for (const over of ending.values()) {
      over.unanswered.delete(workerId)
      over.reached.delete(workerId)
      settle(over)
    }
  }

  function receive(workerId: number, message: Parameters<Groups['receive']>[1]): void {
    if (message.type === 'dissolved') return hear(workerId, message)
    if (group === null || message.group !== group.id) return
    if (message.type === 'linked') {
      if (group.unlinked.delete(workerId) && isLinked(group)) options.onLinked(group.members.length)
      return
    }
    breakUp('unlinked', message.reason)
  }

  function hear(workerId: number, message: MessageOf<'dissolved'>): void {
    const over = ending.get(message.group)
    if (over?.unanswered.delete(workerId) !== true) return
    over.reached.set(workerId, message.step)
    if (message.step < over.stepAtEnd) options.onBehind(workerId)
    settle(over)
  }

  return {
    introduce,
    breakUp,
    hasFailed: () => failed,
    allowRetry: () => {
      failed = false
    },
    linking: () => (group !== null && !isLinked(group) ? group.id : null),
    unanswered: () => [...ending.values()].filter(isLinked).flatMap(({ unanswered }) => [...unanswered]),
    leave,
    isPresent: workerId => peers.has(workerId),
    receive,
    join: (workerId, url) => {
      peers.set(workerId, url)
      changed(`worker ${workerId} has joined`)
    },
    current: () => (group !== null && isLinked(group) ? group : null),
  }
}

/**
 * Nobody waits for the end of a group that was never linked, and a member may hear of that end late, behind its first
 * state.
 */
function isLinked({ unlinked }: GroupState): boolean {
  return unlinked.size === 0
}

function newGroup(id: number, members: readonly number[]): GroupState {
  const listeners = new Set<() => void>()
  const answered = createDeferred<ReadonlyMap<number, number>>()
  const group: GroupState = {
    id,
    members,
    unlinked: new Set(members),
    listeners,
    isOver: false,
    onOver: listener => {
      if (group.isOver) queueMicrotask(listener)
      else listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    answered,
    settled: answered.promise,
    reached: new Map(),
    unanswered: new Set(),
    stepAtEnd: 0,
  }
  return group
}
