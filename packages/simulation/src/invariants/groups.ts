import { faultLeavesBelief } from '../faults/fault.ts'
import type { Scenario } from '../scenario.ts'
import { Violation } from '../violation.ts'

/** A group comes to a halt only where an end of a connection may go on believing in it. */
export function checkHalt({ faults }: Scenario, reason: string): void {
  if (faults.some(faultLeavesBelief)) return
  throw new Violation(`a group has come to a halt, though all ends of all connections hear of what happens: ${reason}`)
}
