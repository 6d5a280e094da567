import { faultLeavesBelief } from '../faults/fault.ts'
import type { Scenario } from '../scenario.ts'
import { Violation } from '../violation.ts'

/** A group may halt only where one end of a connection may still believe in it although it is lost. */
export function checkHalt({ faults }: Scenario, reason: string): void {
  if (faults.some(faultLeavesBelief)) return
  throw new Violation(`a group has come to a halt, though all ends of all connections hear of what happens: ${reason}`)
}
