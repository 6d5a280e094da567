import { z } from 'zod'
import { anyNumber, count, finite, index, runId, shortText, step, textUpTo } from './message-fields.ts'
import { timesSchema } from './timing/timeline.ts'

const groupId = z.int().min(1)

/** The most workers that exchange gradients among themselves. */
export const maxGroupMembers = 1024

/** The most characters of the reason in an `unlinked`. */
export const maxUnlinkedReasonLength = 1024

/** Part of a `work`: the gradient goes to the members of this group instead of to the coordinator. */
export const groupOrder = z.strictObject({
  id: groupId,
  /** Samples in the global batch. */
  total: count,
  /** Of the step, which ends without an `update`. */
  learningRate: finite,
})

/** Part of a `ready`: where other workers reach this one. Without a host, at the address that the coordinator sees. */
export const peerAddress = z.strictObject({ host: shortText.nullable(), port: z.int().min(1).max(65_535) })

/** Introduces workers to each other. */
const group = z.strictObject({
  type: z.literal('group'),
  runId,
  group: groupId,
  members: z.array(z.strictObject({ workerId: z.int().min(1), url: shortText })).max(maxGroupMembers),
  /** Known to the members only. */
  token: z.string().min(32).max(128),
})

/** A worker has a link to every other member. */
const linked = z.strictObject({ type: z.literal('linked'), runId, group: groupId })

/** A link could not be made, or is lost. */
const unlinked = z.strictObject({
  type: z.literal('unlinked'),
  runId,
  group: groupId,
  reason: textUpTo(maxUnlinkedReasonLength),
})

/** The group has ended. Its unfinished steps go through the coordinator. */
const dissolve = z.strictObject({ type: z.literal('dissolve'), runId, group: groupId })

/**
 * Answers `dissolve`. `step` is the one the worker has reached; from it on, it only takes the coordinator's updates.
 */
const dissolved = z.strictObject({ type: z.literal('dissolved'), runId, group: groupId, step })

/** Asks a worker that has passed a step for its whole mean gradient. The worker answers with slices. */
const recall = z.strictObject({ type: z.literal('recall'), runId, step })

/** What a worker reports about a shard whose gradient it has computed. */
export const computedShard = {
  runId,
  step,
  shard: index,
  count,
  lossSum: anyNumber,
  correct: index,
  /**
   * What the computing thread has done from the end of its last gradient to the end of this one, by the worker's clock.
   */
  times: timesSchema,
}

/** Like a `gradient`, for a shard whose gradient went to the group. */
const contribution = z.strictObject({ type: z.literal('contribution'), ...computedShard })

/** Elements of the mean gradient of a step, with the figures of the whole batch. */
const slice = z.strictObject({
  type: z.literal('slice'),
  runId,
  step,
  start: index,
  length: count,
  total: count,
  lossSum: anyNumber,
  correct: index,
})

export const directMessageSchemas = { group, linked, unlinked, dissolve, dissolved, recall, contribution, slice }
