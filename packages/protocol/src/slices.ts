/** Elements `start` to `end` − 1 of a flat vector, or positions of an order. */
export type Range = { readonly start: number; readonly end: number }

/** Slices begin at multiples of so many elements: 64 bytes of float32. */
const sliceAlignment = 16

/**
 * The slice of a flat vector that belongs to one of the members of a group: equal for all but the last ones, which may be
 * shorter or empty.
 */
export function sliceOf(elements: number, members: number, member: number): Range {
  const share = Math.ceil(elements / members / sliceAlignment) * sliceAlignment
  return { start: Math.min(elements, member * share), end: Math.min(elements, (member + 1) * share) }
}
