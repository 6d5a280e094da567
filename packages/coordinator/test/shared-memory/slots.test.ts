import { describe, expect, test } from 'vitest'
import { createSlots } from '../../src/shared-memory/slots.ts'

describe('slots', () => {
  test('are taken from the lowest until none is left', () => {
    const { take, find } = createSlots<string>(3)
    expect([take('a', 0), take('b', 0), take('c', 1), take('d', 1)]).toEqual([0, 1, 2, null])
    expect([find('b'), find('d')]).toEqual([1, null])
  })

  test('that are released are taken again, the lowest first', () => {
    const { take, find, release } = createSlots<string>(4)
    for (const key of ['a', 'b', 'c', 'd']) take(key, 0)
    for (const key of ['c', 'a', 'd']) release(key)
    expect(find('a')).toBeNull()
    expect([take('e', 0), take('f', 0), take('g', 0)]).toEqual([0, 2, 3])
  })

  test('are released once, and only by a key that has one', () => {
    const { take, release } = createSlots<string>(2)
    take('a', 0)
    release('b')
    release('a')
    release('a')
    expect([take('c', 0), take('d', 0), take('e', 0)]).toEqual([0, 1, null])
  })

  test('are not taken twice by the same key', () => {
    const { take, find } = createSlots<string>(2)
    expect([take('a', 0), take('a', 1), take('b', 1), take('c', 1)]).toEqual([0, 0, 1, null])
    expect(find('a')).toBe(0)
  })

  test('of steps before a given one are released, the others are not', () => {
    const { take, find, releaseBefore } = createSlots<string>(3)
    for (const [key, step] of [
      ['a', 4],
      ['b', 5],
      ['c', 6],
    ] as const) {
      take(key, step)
    }
    releaseBefore(5)
    expect([find('a'), find('b'), find('c')]).toEqual([null, 1, 2])
    releaseBefore(Number.POSITIVE_INFINITY)
    expect([take('d', 7), take('e', 7), take('f', 7)]).toEqual([0, 1, 2])
  })
})
