import type { Connection, ConnectionHandlers, LockstepError, Message, Received, Sizes } from '@lockstep/protocol'
import type { Member } from './member.ts'

export type LaneDoorOptions = {
  readonly runId: string
  readonly sizes: Sizes
  /** The worker with this id, if there has ever been one. */
  readonly memberOf: (workerId: number) => Member | undefined
  /** Takes what a worker says by its lane. */
  readonly receive: (member: Member, received: Received) => void
  /** What came by its lane was no message. */
  readonly fail: (member: Member, error: LockstepError) => void
  readonly nowMs: () => number
}

/** Takes a lane: `connect` returns its connection, `greeted` is called when it is known whose it is. */
export type LaneDoor = (connect: (handlers: ConnectionHandlers) => Connection, greeted: () => void) => void

/** Lets the lanes of workers' computing threads in, and nobody else. */
export function createLaneDoor({ runId, sizes, memberOf, receive, fail, nowMs }: LaneDoorOptions): LaneDoor {
  /** Gives a lane to the worker whose computing thread it says it is, and says so; cuts anything else off. */
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
