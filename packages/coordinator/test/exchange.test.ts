import { LockstepError } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { voteWithoutData } from '../src/audit/vote.ts'
import { createExchange, type SendableTask } from '../src/exchange.ts'
import { createTestedTime } from './support/tested-time.ts'

const aborted = new LockstepError('no-workers', 'nobody is there')

/** An exchange on a clock that the test moves, what it has sent, and tasks identified by their key. */
function createTested(window = 2) {
  const time = createTestedTime()
  const sent: string[] = []
  const send = (worker: number, { key }: SendableTask<string>) => sent.push(`${worker} ${key}`)
  const exchange = createExchange<string>(window, send, time)
  const task = (key: string, step = 0): SendableTask<string> => ({
    key,
    step,
    index: Number(key.slice(1)),
    kind: 'gradient',
    samples: 1,
    order: { type: 'work', runId: 'r', step, shard: Number(key.slice(1)), count: 1 },
    tensors: () => ({}),
    findFault: result => (result === 'wrong' ? 'a wrong answer' : null),
  })
  return { time, exchange, sent, task }
}

/** Two workers whose pace is known from tasks of 10 ms; the first one holds `a9`, the other one nothing. */
function createLate() {
  const tested = createTested()
  const { time, exchange, sent, task } = tested
  exchange.join(1)
  exchange.join(2)
  for (let step = 0; step < 4; step++) {
    for (const index of [0, 1]) void exchange.submit(task(`${'abcd'[step]}${index}`, step))
    time.pass(10)
    for (const index of [0, 1]) exchange.deliver(index + 1, `${'abcd'[step]}${index}`, 'done')
  }
  sent.length = 0
  const result = exchange.submit(task('a9', 4))
  return { ...tested, result }
}

describe('a task', () => {
  test('is sent to a worker and resolves with its answer', async () => {
    const { exchange, sent, task } = createTested()
    exchange.join(1)
    const result = exchange.submit(task('a0'))
    expect(sent).toEqual(['1 a0'])
    expect(exchange.deliver(1, 'a0', 'done')).toEqual({ taken: true, fault: null })
    await expect(result).resolves.toBe('done')
  })

  test('waits for a worker to join', () => {
    const { exchange, sent, task } = createTested()
    void exchange.submit(task('a0'))
    expect(sent).toEqual([])
    exchange.join(1)
    expect(sent).toEqual(['1 a0'])
  })

  test('goes to another worker when the first one leaves', async () => {
    const { exchange, sent, task } = createTested()
    exchange.join(1)
    const result = exchange.submit(task('a0'))
    exchange.join(2)
    exchange.leave(1)
    expect(sent).toEqual(['1 a0', '2 a0'])
    exchange.deliver(2, 'a0', 'done by the other')
    await expect(result).resolves.toBe('done by the other')
  })

  test('passes on its answer only if that is valid, before the worker gets the next task', () => {
    const { exchange, sent, task } = createTested(1)
    const taken: unknown[] = []
    const readVote = (result: string) => {
      taken.push([result, [...sent]])
      return voteWithoutData(true)
    }
    exchange.join(1)
    void exchange.submit({ ...task('a0'), readVote })
    void exchange.submit(task('a1'))
    exchange.deliver(2, 'a0', 'of a worker that does not hold it')
    exchange.deliver(1, 'a0', 'wrong')
    expect(taken).toEqual([])
    exchange.deliver(1, 'a0', 'done')
    expect(taken).toEqual([['done', ['1 a0']]])
    expect(sent).toEqual(['1 a0', '1 a1'])
  })

  test('makes room for the next one when it is answered', () => {
    const { exchange, sent, task } = createTested(1)
    exchange.join(1)
    void exchange.submit(task('a0'))
    void exchange.submit(task('a1'))
    expect(sent).toEqual(['1 a0'])
    exchange.deliver(1, 'a0', 'done')
    expect(sent).toEqual(['1 a0', '1 a1'])
  })
})

describe('a late task', () => {
  test('is also sent to an idle worker, whose answer counts if it arrives first', async () => {
    const { time, exchange, sent, result } = createLate()
    time.pass(25)
    expect(sent).toEqual(['1 a9'])
    time.pass(60)
    expect(sent).toEqual(['1 a9', '2 a9'])
    expect(exchange.deliver(2, 'a9', 'from the second')).toEqual({ taken: true, fault: null })
    expect(exchange.deliver(1, 'a9', 'from the first')).toEqual({ taken: false, fault: null })
    await expect(result).resolves.toBe('from the second')
  })

  test('stays with the second worker when the first one leaves', async () => {
    const { time, exchange, sent, result } = createLate()
    time.pass(85)
    exchange.leave(1)
    expect(sent).toEqual(['1 a9', '2 a9'])
    exchange.deliver(2, 'a9', 'from the second')
    await expect(result).resolves.toBe('from the second')
  })

  test('is not sent to another worker after an abort', async () => {
    const { time, exchange, sent, result } = createLate()
    exchange.abort(aborted)
    await expect(result).rejects.toBe(aborted)
    time.pass(1000)
    expect(sent).toEqual(['1 a9'])
  })

  test('is looked for only while a worker is idle', async () => {
    const { time, exchange, sent, task } = createLate()
    expect(time.isPending()).toBe(true)
    void exchange.submit(task('a10', 4))
    expect(sent).toEqual(['1 a9', '2 a10'])
    expect(time.isPending()).toBe(false)
    exchange.deliver(2, 'a10', 'done')
    expect(time.isPending()).toBe(true)
    exchange.deliver(1, 'a9', 'done')
    expect(time.isPending()).toBe(false)
  })

  test('is not looked for after the exchange has stopped', () => {
    const { time, exchange } = createLate()
    exchange.stop()
    exchange.leave(2)
    exchange.join(3)
    expect(time.isPending()).toBe(false)
  })
})

describe('a task that is withdrawn', () => {
  test('leaves its promise pending, even after an abort', async () => {
    const { exchange, task } = createTested()
    const result = exchange.submit(task('a0'))
    exchange.withdraw('a0')
    exchange.abort(aborted)
    expect(await Promise.race([result, Promise.resolve('still open')])).toBe('still open')
  })

  test('occupies its worker until the worker has answered', () => {
    const { exchange, sent, task } = createTested(1)
    exchange.join(1)
    void exchange.submit(task('a0'))
    exchange.withdraw('a0')
    void exchange.submit(task('a1'))
    expect(sent).toEqual(['1 a0'])
    exchange.deliver(1, 'a0', 'done')
    expect(sent).toEqual(['1 a0', '1 a1'])
  })
})

test('an exchange awaits an answer from the worker that holds a task, unless the task belongs to a group', () => {
  const { exchange, task } = createTested()
  exchange.join(1)
  void exchange.submit(task('a0'))
  const ofGroup = task('a1')
  const group = { id: 1, total: 1, learningRate: 0.1 }
  void exchange.submit({ ...ofGroup, order: { ...ofGroup.order, group } as typeof ofGroup.order })
  expect([exchange.awaits(1, 'a0'), exchange.awaits(2, 'a0')]).toEqual([true, false])
  expect([exchange.awaits(1, 'a1'), exchange.awaits(1, 'a2')]).toEqual([false, false])
})

describe('an answer is dropped', () => {
  test('when it comes from a worker that does not hold the task', () => {
    const { exchange, task } = createTested()
    exchange.join(1)
    exchange.join(2)
    void exchange.submit(task('a0'))
    expect(exchange.deliver(2, 'a0', 'done')).toEqual({ taken: false, fault: null })
    expect(exchange.deliver(7, 'a0', 'done')).toEqual({ taken: false, fault: null })
    expect(exchange.deliver(1, 'a9', 'done')).toEqual({ taken: false, fault: null })
    expect(exchange.deliver(1, 'a0', 'done')).toEqual({ taken: true, fault: null })
  })

  test('when it comes a second time', () => {
    const { exchange, task } = createTested()
    exchange.join(1)
    void exchange.submit(task('a0'))
    exchange.deliver(1, 'a0', 'done')
    expect(exchange.deliver(1, 'a0', 'done again')).toEqual({ taken: false, fault: null })
  })

  test('when it is wrong, and another worker completes the task after this one has left', async () => {
    const { exchange, sent, task } = createTested()
    exchange.join(1)
    const result = exchange.submit(task('a0'))
    expect(exchange.deliver(1, 'a0', 'wrong')).toEqual({ taken: false, fault: 'a wrong answer' })
    exchange.join(2)
    expect(sent).toEqual(['1 a0'])
    exchange.leave(1)
    exchange.deliver(2, 'a0', 'right')
    await expect(result).resolves.toBe('right')
  })
})

describe('a task on which workers hang', () => {
  /** Each worker gets the task that the one before held, hangs as well and leaves. */
  function hangInTurn({ exchange }: ReturnType<typeof createTested>, workers: readonly number[]): void {
    for (const worker of workers) {
      exchange.join(worker)
      exchange.noteHang(worker, 85_000)
      exchange.leave(worker)
    }
  }

  test('fails when the third worker in turn hangs', async () => {
    const tested = createTested()
    const { exchange, sent, task } = tested
    const result = exchange.submit(task('a0', 4))
    hangInTurn(tested, [1, 2])
    exchange.join(3)
    expect(sent).toEqual(['1 a0', '2 a0', '3 a0'])
    exchange.noteHang(3, 85_400)
    await expect(result).rejects.toMatchObject({
      code: 'computation-hangs',
      message: 'the gradient of shard 0 of step 5 could not be computed: 3 workers in turn hung on it',
      expected: 'an answer for its 1 samples',
      received: 'none, from the last of them for 85 s',
      hint: expect.stringMatching(/--shards.*--batch-size.*--engine.*layers.*--resume/),
    })
    // No worker gets it any more.
    exchange.leave(3)
    exchange.join(4)
    expect(sent).toHaveLength(3)
  })

  test('is completed if the third worker answers, and the next task counts hangs from zero', async () => {
    const tested = createTested()
    const { exchange, task } = tested
    const first = exchange.submit(task('a0'))
    hangInTurn(tested, [1, 2])
    exchange.join(3)
    exchange.deliver(3, 'a0', 'done')
    await expect(first).resolves.toBe('done')
    const second = exchange.submit(task('b0', 1))
    exchange.noteHang(3, 20_100)
    exchange.leave(3)
    hangInTurn(tested, [4])
    exchange.join(5)
    exchange.deliver(5, 'b0', 'done')
    await expect(second).resolves.toBe('done')
  })

  test('counts no hang after another worker has answered it', async () => {
    const tested = createLate()
    const { time, exchange, sent, task, result } = tested
    // The idle second worker gets a copy and answers it.
    time.pass(2000)
    expect(sent).toEqual(['1 a9', '2 a9'])
    exchange.deliver(2, 'a9', 'done')
    await expect(result).resolves.toBe('done')
    for (let times = 0; times < 3; times++) exchange.noteHang(1, 20_100)
    const next = exchange.submit(task('b0', 5))
    exchange.deliver(2, 'b0', 'done')
    await expect(next).resolves.toBe('done')
  })
})

describe('an abort', () => {
  test('fails unfinished and later tasks with the first error', async () => {
    const { exchange, task } = createTested()
    exchange.join(1)
    const [sent, pending] = [exchange.submit(task('a0')), exchange.submit(task('b1', 5))]
    exchange.abort(aborted)
    exchange.abort(new LockstepError('other', 'another error'))
    await expect(sent).rejects.toBe(aborted)
    await expect(pending).rejects.toBe(aborted)
    await expect(exchange.submit(task('a2'))).rejects.toBe(aborted)
  })

  test('stops all sending', async () => {
    const { exchange, sent, task } = createTested(1)
    exchange.join(1)
    const results = [exchange.submit(task('a0')), exchange.submit(task('a1'))]
    exchange.abort(aborted)
    await Promise.allSettled(results)
    exchange.join(2)
    exchange.leave(1)
    expect(exchange.deliver(2, 'a0', 'done').taken).toBe(false)
    expect(sent).toEqual(['1 a0'])
  })

  test('does not affect a task that is finished', async () => {
    const { exchange, task } = createTested()
    exchange.join(1)
    const result = exchange.submit(task('a0'))
    exchange.deliver(1, 'a0', 'done')
    exchange.abort(aborted)
    await expect(result).resolves.toBe('done')
  })
})
