import { findHang } from './heartbeats.ts'
import type { Member } from './member.ts'
import {
  excuse,
  type Fault,
  findFault,
  noticeBytes,
  noticeCommonSilence,
  noticeCrowd,
  type Patience,
} from './patience.ts'

export type WatchOptions = {
  readonly present: Iterable<Member>
  readonly patience: Patience
  /** The time from one look to the next. */
  readonly everyMs: number
  readonly nowMs: () => number
  /** Takes out a member that has been silent or deaf for too long. */
  readonly onFault: (member: Member, fault: Fault) => void
  /** Takes out a member whose computing thread hangs. */
  readonly onHang: (member: Member, hang: string) => void
  /** A member may stay: it is told that the coordinator lives. */
  readonly onSound: (member: Member) => void
}

/** Returns a function that looks after everyone who is connected. It is called regularly. */
export function createWatch({ present, patience, everyMs, nowMs, onFault, onHang, onSound }: WatchOptions): () => void {
  let lookedAtMs = nowMs()

  return () => {
    const now = nowMs()
    const lastLookMs = lookedAtMs
    lookedAtMs = now
    // A coordinator that comes late to this, without a processor or suspended, has heard nobody for so long; after a long time
    // all have as long as if they had just come.
    const lateMs = Math.max(0, now - lastLookMs - everyMs)
    const excusedMs = lateMs > patience.silenceMs / 2 ? Number.POSITIVE_INFINITY : lateMs
    for (const member of present) {
      noticeBytes(member, lastLookMs)
      excuse(member, now, excusedMs)
    }
    const welcomed = [...present].filter(({ facts }) => facts !== null)
    noticeCrowd(welcomed, lastLookMs, now)
    noticeCommonSilence(welcomed, now)
    for (const member of present) {
      const fault = findFault(member, patience, now)
      const hang = findHang(member, patience, now)
      if (fault !== null) onFault(member, fault)
      else if (hang !== null) onHang(member, hang)
      else onSound(member)
    }
  }
}
