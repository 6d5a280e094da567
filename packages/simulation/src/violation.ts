/** A broken invariant, which ends a simulation. */
export class Violation extends Error {
  override readonly name = 'Violation'
}
