import { z } from 'zod'
import { anyNumber, count, finite, index, runId, shortText, step, textUpTo } from './message-fields.ts'
import { timesSchema } from './timing/timeline.ts'

const ringId = z.int().min(1)

/** The most workers that exchange gradients among themselves. */
export const maxRingMembers = 1024

/** The most characters of the reason in an `unlinked`. */
export const maxUnlinkedReasonLength = 1024

/** In a `work`: its gradient goes to the members of this ring instead of to the coordinator. */
export const ringOrder = z.strictObject({
  id: ringId,
  /** Samples in the global batch. */
  total: count,
  /** Of the step, which ends without an `update`. */
  learningRate: finite,
})

/** In a `ready`: where other workers reach this one; without a host, where the coordinator sees it. */
export const peerAddress = z.strictObject({ host: shortText.nullable(), port: z.int().min(1).max(65_535) })

/** Introduces workers to each other. */
const ring = z.strictObject({
  type: z.literal('ring'),
  runId,
  ring: ringId,
  members: z.array(z.strictObject({ workerId: z.int().min(1), url: shortText })).max(maxRingMembers),
  /** Known to the members only. */
  token: z.string().min(32).max(128),
})

/** A worker has a link to every other member. */
const linked = z.strictObject({ type: z.literal('linked'), runId, ring: ringId })

/** A link could not be made or is lost. */
const unlinked = z.strictObject({
  type: z.literal('unlinked'),
  runId,
  ring: ringId,
  reason: textUpTo(maxUnlinkedReasonLength),
})

/** The ring is over: whatever of it is unfinished goes through the coordinator. */
const dissolve = z.strictObject({ type: z.literal('dissolve'), runId, ring: ringId })

/** Answers `dissolve`. `step`: that the worker has come to, and goes on from by the coordinator's updates only. */
const dissolved = z.strictObject({ type: z.literal('dissolved'), runId, ring: ringId, step })

/** Asks a worker that is past a step for its whole mean gradient, which it answers by slices. */
const recall = z.strictObject({ type: z.literal('recall'), runId, step })

/** What a worker tells of a shard whose gradient it has computed. */
export const computedShard = {
  runId,
  step,
  shard: index,
  count,
  lossSum: anyNumber,
  correct: index,
  /** What the computing thread has done from its last gradient to the end of this one, by the worker's clock. */
  times: timesSchema,
}

/** As a `gradient` that has gone to the ring. */
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

export const directMessageSchemas = { ring, linked, unlinked, dissolve, dissolved, recall, contribution, slice }
