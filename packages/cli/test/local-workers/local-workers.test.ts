import { describe, expect, test } from 'vitest'
import { startLocalWorkers, type WorkerDeath } from '../../src/local-workers/local-workers.ts'
import { createManualClock } from '../support/manual-clock.ts'

/** Starts `count` workers, whose processes the test ends. */
function startTested(count: number) {
  const clock = createManualClock()
  const started: { readonly name: string; readonly end: (ending: string) => Promise<void> }[] = []
  const killed: string[] = []
  const deaths: WorkerDeath[] = []

  function start(name: string) {
    let resolve: (ending: string) => void = () => undefined
    const ended = new Promise<string>(settle => {
      resolve = settle
    })
    const end = async (ending: string) => {
      resolve(ending)
      await ended
    }
    started.push({ name, end })
    const kill = () => {
      killed.push(name)
      resolve('SIGKILL')
    }
    return { ended, kill }
  }

  const request = new AbortController()
  const stop = request.signal
  const onDeath = (death: WorkerDeath) => deaths.push(death)
  const workers = startLocalWorkers({ count, start, stop, clock, random: () => 0.5, onDeath })
  const latest = (name: string) => started.findLast(process => process.name === name)!
  return { workers, request, clock, started, killed, deaths, latest, names: () => started.map(({ name }) => name) }
}

describe('a worker that dies', () => {
  test('is restarted at once under its name', async () => {
    const { clock, latest, names, deaths } = startTested(2)
    await latest('local-2').end('SIGKILL')
    clock.pass(0)
    expect(names()).toEqual(['local-1', 'local-2', 'local-2'])
    expect(deaths).toEqual([{ name: 'local-2', ending: 'SIGKILL', restartInMs: 0, left: 2 }])
  })

  test('is restarted after growing pauses', async () => {
    const { clock, latest, deaths } = startTested(1)
    const pauses: number[] = []
    for (let death = 0; death < 4; death++) {
      await latest('local-1').end('exit code 1')
      pauses.push((clock.alarms()[0] ?? Number.NaN) - clock.nowMs())
      clock.pass(2000)
    }
    expect(pauses).toEqual([0, 500, 1000, 2000])
    expect(deaths.map(({ restartInMs }) => restartInMs)).toEqual(pauses)
  })

  test('five times in a minute stays out, while the others continue', async () => {
    const { workers, clock, latest, names, deaths } = startTested(2)
    for (let death = 0; death < 5; death++) {
      await latest('local-1').end('exit code 1')
      clock.pass(5000)
    }
    expect(names().filter(name => name === 'local-1')).toHaveLength(5)
    expect(deaths.at(-1)).toEqual({ name: 'local-1', ending: 'exit code 1', restartInMs: null, left: 1 })
    await latest('local-2').end('SIGKILL')
    clock.pass(0)
    expect([names().at(-1), workers.left()]).toEqual(['local-2', 1])
  })
})

describe('recalling workers', () => {
  test('starts those that have finished, which are not restarted otherwise', async () => {
    const { workers, clock, latest, names, deaths } = startTested(2)
    await latest('local-1').end('exit code 0')
    clock.pass(60_000)
    expect([names(), deaths]).toEqual([['local-1', 'local-2'], []])
    workers.recall()
    workers.recall()
    expect(names()).toEqual(['local-1', 'local-2', 'local-1'])
  })

  test('does not start a second process for a worker that waits for its restart', async () => {
    const { workers, clock, latest, names } = startTested(1)
    for (let death = 0; death < 2; death++) {
      await latest('local-1').end('SIGKILL')
      workers.recall()
      clock.pass(500)
    }
    expect(names()).toHaveLength(3)
  })
})

describe('a request to stop', () => {
  test('does not kill running workers, and prevents restarts', async () => {
    const { workers, request, clock, latest, names, killed, deaths } = startTested(3)
    await latest('local-1').end('exit code 0')
    await latest('local-2').end('SIGKILL')
    request.abort()
    await latest('local-3').end('SIGTERM')
    workers.recall()
    clock.pass(60_000)
    expect([names(), killed]).toEqual([['local-1', 'local-2', 'local-3'], []])
    expect(deaths.map(({ name }) => name)).toEqual(['local-2'])
  })
})

describe('workers have ended', () => {
  test('when each has finished or stays out, and not while one waits for its restart', async () => {
    const { workers, clock, latest } = startTested(2)
    let isOver = false
    void workers.over.then(() => (isOver = true))
    await latest('local-1').end('exit code 0')
    for (let death = 0; death < 5; death++) {
      await Promise.resolve()
      expect(isOver).toBe(false)
      clock.pass(10_000)
      await latest('local-2').end('SIGKILL')
    }
    await workers.over
    expect(isOver).toBe(true)
  })

  test('at a request to stop if the only one waits for its restart', async () => {
    const { workers, request, latest } = startTested(1)
    await latest('local-1').end('SIGKILL')
    request.abort()
    await workers.over
  })
})

describe('stopping workers', () => {
  test('waits for running workers, kills them after the grace period, and restarts none', async () => {
    const { workers, clock, latest, names, killed } = startTested(3)
    await latest('local-3').end('SIGKILL')
    let isOver = false
    const stopping = workers.stop(5000).then(() => (isOver = true))
    await latest('local-1').end('exit code 1')
    clock.pass(4999)
    await Promise.resolve()
    expect([isOver, killed]).toEqual([false, []])
    clock.pass(1)
    await stopping
    expect([names(), killed]).toEqual([
      ['local-1', 'local-2', 'local-3'],
      ['local-1', 'local-2'],
    ])
    expect(clock.alarms()).toEqual([])
  })
})
