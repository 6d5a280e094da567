import { findHang } from './heartbeats.ts'
import type { Member } from './member.ts'
import {
  excuse,
  type Fault,
  findFault,
  noticeBytes,
  noticeCommonSilence,
  noticeCrowd,
  type Timeouts,
} from './timeouts.ts'

export type FailureDetectorOptions = {
  readonly present: Iterable<Member>
  readonly timeouts: Timeouts
  /** The interval between ticks. */
  readonly everyMs: number
  readonly nowMs: () => number
  /** Drops a member that has been silent or deaf for too long. */
  readonly onFault: (member: Member, fault: Fault) => void
  /** Drops a member whose computing thread hangs. */
  readonly onHang: (member: Member, hang: string) => void
  /** The member may stay: sends it a heartbeat. */
  readonly onSound: (member: Member) => void
}

/** Returns the tick function, which checks every connected member. It is called regularly. */
export function createFailureDetector({
  present,
  timeouts,
  everyMs,
  nowMs,
  onFault,
  onHang,
  onSound,
}: FailureDetectorOptions): () => void {
  let lookedAtMs = nowMs()

  return () => {
    const now = nowMs()
    const lastLookMs = lookedAtMs
    lookedAtMs = now
    // A late tick means that the coordinator was suspended or got no processor, and heard nobody meanwhile. After a
    // long pause every member gets as much time as if it had just connected.
    const lateMs = Math.max(0, now - lastLookMs - everyMs)
    const excusedMs = lateMs > timeouts.silenceMs / 2 ? Number.POSITIVE_INFINITY : lateMs
    for (const member of present) {
      noticeBytes(member, lastLookMs)
      excuse(member, now, excusedMs)
    }
    const welcomed = [...present].filter(({ facts }) => facts !== null)
    noticeCrowd(welcomed, lastLookMs, now)
    noticeCommonSilence(welcomed, now)
    for (const member of present) {
      const fault = findFault(member, timeouts, now)
      const hang = findHang(member, timeouts, now)
      if (fault !== null) onFault(member, fault)
      else if (hang !== null) onHang(member, hang)
      else onSound(member)
    }
  }
}
