import { describe, expect, test } from 'vitest'
import { createStage } from './support.ts'

describe('a suspended program', () => {
  test('does nothing until it is resumed, then everything due in order, and each period once', async () => {
    const { time, enter, play } = createStage()
    const program = enter('program')
    const done: string[] = []
    const note = (what: string) => () => void done.push(`${what} at ${time.nowMs()}`)
    program.clock.after(10, note('timer'))
    const stop = program.clock.every(10, note('period'))
    time.after(5, program.suspend)
    time.after(15, () => program.reach(note('message')))
    time.after(42, program.resume)
    time.after(60, stop)
    await play()
    expect(done).toEqual(['timer at 42', 'period at 42', 'message at 42', 'period at 52'])
  })
})

describe('a program that ends', () => {
  test('receives nothing and does nothing more', async () => {
    const { enter, play } = createStage()
    const program = enter('program')
    const done: string[] = []
    program.clock.after(10, () => done.push('timer'))
    program.onEnd(ending => done.push(ending))
    program.end('kill')
    program.reach(() => done.push('message'))
    await play()
    expect([done, program.act(), program.isAlive()]).toEqual([['kill'], false, false])
  })

  test('can end between two of its acts', () => {
    const program = createStage().enter('program')
    program.dieAfter(2, 'power-loss')
    expect([program.act(), program.act(), program.act(), program.isAlive()]).toEqual([true, true, false, false])
  })
})

test('events at the same time happen in the order in which they were scheduled', async () => {
  const { time, play } = createStage()
  const done: number[] = []
  for (const [order, at] of [3, 1, 2, 1, 3, 2, 1].entries()) time.after(at, () => done.push(10 * at + order))
  const cancel = time.after(1, () => done.push(99))
  cancel()
  await play()
  expect(done).toEqual([11, 13, 16, 22, 25, 30, 34])
})
