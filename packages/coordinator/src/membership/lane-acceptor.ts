import type { LaneGreeting, LockstepError, OpenLane, Received, Sizes } from '@lockstep/protocol'
import type { Member } from './member.ts'

export type LaneAcceptorOptions = {
  readonly runId: string
  readonly sizes: Sizes
  /** The worker with this id, connected or not. */
  readonly memberOf: (workerId: number) => Member | undefined
  /** Takes a message that a worker sent through its lane. */
  readonly receive: (member: Member, received: Received) => void
  /** The bytes from a lane were not a valid message. */
  readonly fail: (member: Member, error: LockstepError) => void
  readonly nowMs: () => number
}

/** Checks the greeting of a lane. Null where no worker may have this lane. */
export type LaneAcceptor = (greeting: LaneGreeting) => OpenLane | null

/** Accepts the lanes of workers' computing threads, and no other connection. */
export function createLaneAcceptor({
  runId,
  sizes,
  memberOf,
  receive,
  fail,
  nowMs,
}: LaneAcceptorOptions): LaneAcceptor {
  function isFree({ lane, active }: Member): boolean {
    return lane === null && !active
  }

  function take(member: Member, connect: Parameters<OpenLane>[0]): void {
    let isTaken = false
    const lane = connect({
      onMessage: received => receive(member, received),
      onClose: error => {
        if (!isTaken) return
        member.hungUpAt = nowMs()
        if (error?.code === 'message-invalid') fail(member, error)
      },
    })
    // The worker may have become active, or left, while the lane was opened.
    if (member.gone || !isFree(member)) return lane.terminate()
    isTaken = true
    member.lane = lane
    lane.setSizes(sizes)
  }

  return greeting => {
    const member = memberOf(greeting.workerId)
    const isIts = greeting.runId === runId && greeting.nonce === member?.desk?.offer.nonce
    return member !== undefined && isIts && isFree(member) ? connect => take(member, connect) : null
  }
}
