import type { Member } from './member.ts'
import { excuse, findFault, findHang, noticeBytes, noticeCrowd, type Patience } from './patience.ts'

export type WatchOptions = {
  readonly present: Iterable<Member>
  readonly patience: Patience
  readonly nowMs: () => number
  /** Takes out a member that has been silent or deaf for too long. */
  readonly onFault: (member: Member, fault: string) => void
  /** Takes out a member whose computing thread hangs. */
  readonly onHang: (member: Member, hang: string) => void
  /** A member may stay: it is told that the coordinator lives. */
  readonly onSound: (member: Member) => void
}

/** Returns a function that looks after everyone who is connected. It is called regularly. */
export function createWatch({ present, patience, nowMs, onFault, onHang, onSound }: WatchOptions): () => void {
  let lookedAtMs = nowMs()

  return () => {
    const now = nowMs()
    const lastLookMs = lookedAtMs
    lookedAtMs = now
    // A coordinator that was itself suspended has heard nobody: let the heartbeats that wait in the sockets come first.
    if (now - lastLookMs > patience.silenceMs / 2) {
      for (const member of present) excuse(member, now, now - lastLookMs)
      return
    }
    for (const member of present) noticeBytes(member, lastLookMs)
    noticeCrowd(present, lastLookMs, now)
    for (const member of present) {
      const fault = findFault(member, patience, now)
      const hang = findHang(member, patience)
      if (fault !== null) onFault(member, fault)
      else if (hang !== null) onHang(member, hang)
      else onSound(member)
    }
  }
}
