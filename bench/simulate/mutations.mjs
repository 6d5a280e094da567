// Deliberate bugs: each replaces one text in a file by another. The text must occur exactly once.
/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of the product */
import { directMutations } from './direct-mutations.mjs'

export const mutations = [
  {
    name: 'the mean is not weighted',
    file: 'model/src/arithmetic/reduction.ts',
    from: 'const factor = count / total',
    to: 'const factor = 1 / shards',
  },
  {
    name: 'a late gradient is accepted',
    file: 'coordinator/src/schedule/schedule.ts',
    from: 'return held?.wanted === true ? held.task : null',
    to: 'return held?.task ?? null',
  },
  {
    name: 'a shard is applied twice',
    file: 'coordinator/src/audit/gradient-vote.ts',
    from: 'tools.reduction.add(shard, gradient, count, target))',
    to: `{
    if (shard === 1) tools.arithmetic.addInto(gradient, gradient.slice())
    return tools.reduction.add(shard, gradient, count, target)
  })`,
  },
  {
    name: 'gradients are reduced in the order of arrival',
    file: 'model/src/arithmetic/reduction.ts',
    from: 'const leaf = leaves[shard]',
    to: 'const leaf = leaves.find(each => !added.has(each))',
  },
  {
    name: 'the sum of two shards is returned to the pool',
    file: 'model/src/arithmetic/reduction.ts',
    from: 'onSpent?.(sibling)',
    to: 'onSpent?.(sum)',
  },
  {
    name: 'a checkpoint is renamed before it is synchronised',
    file: 'coordinator/src/disk/atomic-file.ts',
    from: '    await file.sync()\n',
    to: '',
  },
  {
    name: 'the folder of a checkpoint is not synchronised',
    file: 'coordinator/src/disk/atomic-file.ts',
    from: '    await syncFolder(disk, dirname(path))\n',
    to: '',
  },
  {
    name: 'the folders above a checkpoint are not synchronised',
    file: 'coordinator/src/disk/atomic-file.ts',
    from: 'await syncFolder(disk, above)',
    to: 'await Promise.resolve()',
  },
  {
    name: 'moments are not restored',
    file: 'coordinator/src/run-state.ts',
    from: 'moments: checkpoint.optimizer.moments.map(arithmetic.adopt)',
    to: 'moments: checkpoint.optimizer.moments.map(moment => arithmetic.adopt(new Float32Array(moment.length)))',
  },
  {
    name: 'a worker that joins gets no moments',
    file: 'worker/src/replica.ts',
    from: 'moments.push(take(known, joined.subarray(at, at + trainableSize)))',
    to: 'moments.push(arithmetic.allocate(trainableSize))',
  },
  {
    name: 'the newest checkpoint is removed instead of the oldest',
    file: 'coordinator/src/checkpoints/checkpoint-files.ts',
    from: '.slice(0, -keep)) if',
    to: '.slice(keep)) if',
  },
  {
    name: 'a stale worker is not fenced',
    file: 'worker/src/fence.ts',
    from: 'if (life < known) return',
    to: 'if (life < 0) return',
  },
  {
    name: 'a superseded coordinator continues to write',
    file: 'coordinator/src/run-folder/life.ts',
    from: 'if (latest > life) throw',
    to: 'if (latest < 0) throw',
  },
  {
    name: "an epoch's line is repeated",
    file: 'coordinator/src/run-folder/metrics-file.ts',
    from: 'const lines: string[] = []',
    to: 'const lines: string[] = (await readOrEmpty(disk, path)).split(/(?<=\\n)/)',
  },
  {
    name: 'the metrics are not cut back to the checkpoint',
    file: 'coordinator/src/run-folder/run-folder.ts',
    from: '  await writeAtomically(metrics, content.text, disk)\n',
    to: '',
  },
  {
    name: 'a resumed epoch begins anew',
    file: 'coordinator/src/training/training.ts',
    from: 'for (let batch = first; batch < batches.batches; batch++) {',
    to: 'for (let batch = 0; batch < batches.batches; batch++) {',
  },
  {
    name: 'the tasks of a lost worker are forgotten',
    file: 'coordinator/src/schedule/schedule.ts',
    from: 'if (entry?.holders.delete(queue!)) refill(entry)',
    to: 'if (entry?.holders.delete(queue!) && task.index === 0) refill(entry)',
  },
  {
    name: 'silence is not noticed',
    file: 'coordinator/src/membership/timeouts.ts',
    from: 'if (isTooSilent(member, timeouts, nowMs))',
    to: 'if (false)',
  },
  {
    name: 'the coordinator does not apply the packed mean',
    file: 'coordinator/src/training/step.ts',
    from: '  run.format.unpack(packed, gradient)\n',
    to: '',
  },
  {
    name: 'an update is sent to all but the newest worker',
    file: 'coordinator/src/membership/membership.ts',
    from: 'broadcast([...activeMembers.values()], ',
    to: 'broadcast([...activeMembers.values()].slice(0, Math.max(1, activeMembers.size - 1)), ',
  },
  ...directMutations,
]
