import type { Connection, ConnectionHandlers, LockstepError, Message, Received, Sizes } from '@lockstep/protocol'
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

/** Accepts a lane. `connect` returns its connection; `greeted` is called once the lane's worker is known. */
export type LaneAcceptor = (connect: (handlers: ConnectionHandlers) => Connection, greeted: () => void) => void

/** Accepts the lanes of workers' computing threads, and no other connection. */
export function createLaneAcceptor({
  runId,
  sizes,
  memberOf,
  receive,
  fail,
  nowMs,
}: LaneAcceptorOptions): LaneAcceptor {
  /** Assigns a lane to the worker that it names and confirms this; terminates any other connection. */
  function claim(lane: Connection, message: Message): Member | null {
    const member = message.type === 'lane' ? memberOf(message.workerId) : undefined
    const isIts = message.type === 'lane' && message.runId === runId && message.nonce === member?.desk?.offer.nonce
    if (member === undefined || !isIts || member.lane !== null || member.active) {
      lane.terminate()
      return null
    }
    member.lane = lane
    lane.setSizes(sizes)
    lane.send(message)
    return member
  }

  return (connect, greeted) => {
    let member: Member | null = null
    const lane = connect({
      onMessage: received => {
        if (member !== null) return receive(member, received)
        member = claim(lane, received.message)
        if (member !== null) greeted()
      },
      onClose: error => {
        if (member === null) return
        member.hungUpAt = nowMs()
        if (error?.code === 'message-invalid') fail(member, error)
      },
    })
  }
}
