import { describe, expect, test } from 'vitest'
import type { Group } from '../../src/direct/groups.ts'
import { createTopologyChoice, type TopologyMode } from '../../src/direct/topology.ts'

const groupOf = (id: number): Group => ({
  id,
  members: [1, 2],
  onOver: () => () => undefined,
  settled: new Promise(() => undefined),
})

function startChoice(mode: TopologyMode, times: { star: number; direct: number }) {
  const world = { group: groupOf(1) as Group | null, allShareMemory: false, now: 0 }
  const choices: string[] = []
  const choice = createTopologyChoice({
    mode,
    group: () => world.group,
    allShareMemory: () => world.allShareMemory,
    nowMs: () => world.now,
    onChoice: (topology, reason) => choices.push(`${topology}: ${reason}`),
  })
  /** Runs steps, each as long as `times` says for its topology. Returns s for each star step and d for a direct one. */
  function run(steps: number): string {
    let ways = ''
    for (let step = 0; step < steps; step++) {
      const group = choice.next()
      world.now += group === null ? times.star : times.direct
      choice.stepDone(group)
      ways += group === null ? 's' : 'd'
    }
    return ways
  }
  return { world, choices, choice, run }
}

describe('the topology of the next step', () => {
  test('is the requested one, but star if there is no group', () => {
    expect(startChoice('star', { star: 9, direct: 1 }).run(5)).toBe('sssss')
    const direct = startChoice('direct', { star: 1, direct: 9 })
    expect(direct.run(3)).toBe('ddd')
    direct.world.group = null
    expect(direct.run(2)).toBe('ss')
    expect(direct.choice.counts()).toEqual({ star: 2, direct: 3 })
  })

  test.each([
    [{ star: 10, direct: 6 }, 'd', 'direct: 2 workers, 6.0 ms a step direct, 10.0 ms star'],
    [{ star: 5, direct: 6 }, 's', 'star: 2 workers, 6.0 ms a step direct, 5.0 ms star'],
    [{ star: 6, direct: 6 }, 's', 'star: 2 workers, 6.0 ms a step direct, 6.0 ms star'],
  ])('is found by timing both in mode `auto` (%o)', (times, winner, said) => {
    const { run, choices } = startChoice('auto', times)
    // 4 + 12 intervals between steps of one topology take 17 steps.
    expect(run(34)).toBe('s'.repeat(17) + 'd'.repeat(17))
    expect(choices).toEqual([said])
    expect(run(3)).toBe(winner.repeat(3))
  })

  test('is found by the median of the steps after the four that settle', () => {
    const times = { star: 12, direct: 50 }
    const { run, choices } = startChoice('auto', times)
    // The star steps, then the first direct step and the four that settle.
    run(17 + 5)
    for (const ms of [9, 9, 9, 9, 9, 100, 100, 100, 100, 100, 10, 10]) {
      times.direct = ms
      run(1)
    }
    expect(choices).toEqual(['direct: 2 workers, 10.0 ms a step direct, 12.0 ms star'])
  })

  test('is found again for another group', () => {
    const { run, world, choices } = startChoice('auto', { star: 10, direct: 6 })
    run(40)
    world.group = null
    expect(run(2)).toBe('ss')
    world.group = groupOf(2)
    run(40)
    expect(choices).toHaveLength(2)
  })

  test('is star if all workers share the memory of the coordinator', () => {
    const { run, world } = startChoice('auto', { star: 10, direct: 6 })
    world.allShareMemory = true
    expect(run(40)).toBe('s'.repeat(40))
  })
})
