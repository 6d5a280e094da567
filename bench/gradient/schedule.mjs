// Divides the time among the blocks of a run and shows how much is left.

/**
 * The blocks in order. Each gets a share of the time left when it begins, in proportion to its batch size. Time that a
 * quick block does not use goes to the later ones.
 */
export function createSchedule({ threads, models, batches, repeats, budgetMs }) {
  const blocks = threads.flatMap(count =>
    models.flatMap(model => batches.map(batch => ({ threads: count, model, batch }))),
  )
  const deadlineMs = performance.now() + budgetMs
  const roundMs = new Map()
  let blockEndsMs = 0
  let current

  /** Returns why the block should be left out, or undefined. */
  function begin(block) {
    current = block
    const pending = blocks.slice(blocks.indexOf(block))
    const weight = pending.reduce((sum, { batch }) => sum + batch, 0)
    const leftMs = deadlineMs - performance.now()
    blockEndsMs = performance.now() + (leftMs * block.batch) / weight
    const expectedMs = expectedRoundMs(block) * (repeats + 3)
    // A block may take more than its share if that is less than a quarter of the time, since others take less.
    if (expectedMs < leftMs / 4 || leftMs * (block.batch / weight) > expectedMs) return undefined
    say('left out')
    return `it would take ${Math.ceil(expectedMs / 1000)} s; give it time with --minutes`
  }

  function end({ model, threads: count, batch }, milliseconds) {
    roundMs.set(`${model.name} ${count}`, { batch, milliseconds })
  }

  /** Estimated from the last batch size of the same net, or else of this net with the first number of threads. */
  function expectedRoundMs({ model, threads: count, batch }) {
    const known = roundMs.get(`${model.name} ${count}`) ?? roundMs.get(`${model.name} ${threads[0]}`)
    return known === undefined ? 0 : (known.milliseconds * batch) / known.batch
  }

  function say(text) {
    const { model, threads: count, batch } = current
    const left = Math.max(0, deadlineMs - performance.now())
    const clock = `${Math.floor(left / 60_000)}:${String(Math.floor((left % 60_000) / 1000)).padStart(2, '0')}`
    const place = `${blocks.indexOf(current) + 1}/${blocks.length}`
    const what = `${model.name}, batch ${batch}, ${count === 1 ? '1 thread' : `${count} threads`}`
    process.stderr.write(`[${place}, at most ${clock} left] ${what}: ${text}\n`)
  }

  return { blocks, begin, end, say, leftMs: () => blockEndsMs - performance.now() }
}
