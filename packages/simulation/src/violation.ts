/** What must never be, and is: the end of a simulation. */
export class Violation extends Error {
  override readonly name = 'Violation'
}
