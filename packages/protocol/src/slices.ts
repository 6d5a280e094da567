/** Elements `start` to `end` − 1 of a flat vector, or positions of an order. */
export type Range = { readonly start: number; readonly end: number }

/** Slices start at multiples of this many elements: 64 bytes of float32. */
const sliceAlignment = 16

/**
 * The slice of a flat vector that one member of a group owns. All slices have the same size, except the last ones,
 * which may be shorter or empty.
 */
export function sliceOf(elements: number, members: number, member: number): Range {
  const share = Math.ceil(elements / members / sliceAlignment) * sliceAlignment
  return { start: Math.min(elements, member * share), end: Math.min(elements, (member + 1) * share) }
}
