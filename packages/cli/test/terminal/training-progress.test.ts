import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createTrainingProgress, type TrainingState } from '../../src/terminal/training-progress.ts'
import { createFakeTerminal, createPlainStream } from './fake-terminal.ts'

const state: TrainingState = {
  epoch: 3,
  epochs: 100,
  step: 400,
  steps: 1600,
  loss: 1.02346,
  accuracy: 0.63456,
  imagesPerSecond: 2935.4,
  secondsLeft: 3725,
  workersAlive: 4,
  workersWanted: 4,
  workersNeeded: 4,
  phase: 'training',
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('training progress on a terminal', () => {
  it('shows the position and the figures of the run in 80 columns', async () => {
    const { stream, screen } = createFakeTerminal(80)
    const progress = createTrainingProgress(stream)
    progress.update(state)
    vi.advanceTimersByTime(100)
    // A quarter of the longest bar, 30 cells, is 7.5; 3,725 s are 62 min and 5 s.
    expect(await screen()).toEqual([
      'epoch 3/100 ████████░░░░░░░░░░░░░░░░░░░░░░ 400/1,600 · 1 h 02 min left',
      '  loss 1.0235 · accuracy 0.6346 · 2,935 images/s · 4 of 4 workers',
    ])
    progress.stop()
  })

  it('omits the expected number of workers if more take part', async () => {
    const { stream, screen } = createFakeTerminal(80)
    const progress = createTrainingProgress(stream)
    progress.update({ ...state, workersAlive: 2, workersWanted: 1 })
    vi.advanceTimersByTime(100)
    expect((await screen())[1]).toBe('  loss 1.0235 · accuracy 0.6346 · 2,935 images/s · 2 workers')
    progress.stop()
  })

  it.each([20, 40, 60, 100])('never wraps on %d columns', async columns => {
    const { stream, screen } = createFakeTerminal(columns)
    const progress = createTrainingProgress(stream)
    progress.update(state)
    vi.advanceTimersByTime(100)
    const lines = await screen()
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^epoch 3\/100/)
    expect(lines[1]).toMatch(/^ {2}loss 1\.0235/)
    progress.stop()
  })

  it('adapts when the terminal gets narrower', () => {
    const { stream, written } = createFakeTerminal(140)
    const progress = createTrainingProgress(stream)
    progress.update(state)
    vi.advanceTimersByTime(100)
    const before = written().length
    Object.assign(stream, { columns: 30 })
    vi.advanceTimersByTime(100)
    expect(written().slice(before)).toContain('epoch 3/100 400/1,600 · 1 h …')
    progress.stop()
  })

  it('writes permanent lines above the bar, whole and in order', async () => {
    const { stream, screen } = createFakeTerminal(80)
    const progress = createTrainingProgress(stream)
    progress.line('model: reference')
    progress.update(state)
    vi.advanceTimersByTime(100)
    progress.line('epoch 2/100 loss 1.1 accuracy 0.61')
    progress.line('epoch 3/100 loss 1.0 accuracy 0.63')
    expect(await screen()).toEqual([
      'model: reference',
      'epoch 2/100 loss 1.1 accuracy 0.61',
      'epoch 3/100 loss 1.0 accuracy 0.63',
      expect.stringMatching(/^epoch 3\/100 █/),
      expect.stringMatching(/^ {2}loss/),
    ])
    progress.stop()
  })

  it('removes the bar at the end', async () => {
    const { stream, screen } = createFakeTerminal(80)
    const progress = createTrainingProgress(stream)
    progress.update(state)
    vi.advanceTimersByTime(100)
    progress.line('epoch 3 done')
    progress.stop()
    progress.line('test accuracy 0.6948')
    expect(await screen()).toEqual(['epoch 3 done', 'test accuracy 0.6948'])
  })

  it('shows how many workers it waits for', async () => {
    const { stream, screen } = createFakeTerminal(80)
    const progress = createTrainingProgress(stream)
    progress.update({ ...state, phase: 'waiting', loss: null, accuracy: null, imagesPerSecond: null, workersAlive: 1 })
    vi.advanceTimersByTime(100)
    expect(await screen()).toEqual(['waiting for workers', '  1 of 4 workers'])
    progress.stop()
  })

  it('omits unknown figures', async () => {
    const { stream, screen } = createFakeTerminal(80)
    const progress = createTrainingProgress(stream)
    progress.update({ ...state, step: 0, loss: null, accuracy: null, imagesPerSecond: null, secondsLeft: null })
    vi.advanceTimersByTime(100)
    expect(await screen()).toEqual([`epoch 3/100 ${'░'.repeat(30)} 0/1,600`, '  4 of 4 workers'])
    progress.stop()
  })
})

describe('training progress without a terminal', () => {
  it('writes a plain line about every 15 s of a long epoch, and permanent lines at once', () => {
    const { stream, text } = createPlainStream()
    const progress = createTrainingProgress(stream)
    for (let second = 0; second < 20; second++) {
      progress.update({ ...state, step: second, phase: 'validating' })
      vi.advanceTimersByTime(1000)
    }
    progress.line('epoch 3 done')
    vi.advanceTimersByTime(14_000)
    progress.update(state)
    progress.stop()
    expect(text().split('\n')).toEqual([
      'epoch 3/100 validating · 15/1,600 · 1 h 02 min left · loss 1.0235 · accuracy 0.6346 · 2,935 images/s · 4 of 4 workers',
      'epoch 3 done',
      '',
    ])
  })

  it('reports a wait for workers at once and every minute', () => {
    const { stream, text } = createPlainStream()
    const progress = createTrainingProgress(stream)
    const waiting = { ...state, phase: 'waiting', workersNeeded: 2 } as const
    progress.update({ ...waiting, workersAlive: 0 })
    progress.update({ ...waiting, workersAlive: 1 })
    vi.advanceTimersByTime(130_000)
    progress.update({ ...waiting, workersAlive: 2 })
    progress.update({ ...state, phase: 'training' })
    vi.advanceTimersByTime(130_000)
    const alive = [0, 1, 1]
    expect(text()).toBe(alive.map(count => `waiting for workers: ${count} of 2\n`).join(''))
    progress.stop()
  })

  it('reports a wait that follows the loss of a worker only after a minute', () => {
    const { stream, text } = createPlainStream()
    const progress = createTrainingProgress(stream)
    const alone = { ...state, workersNeeded: 1, workersAlive: 0 }
    progress.update(alone)
    progress.update({ ...alone, phase: 'waiting' })
    expect(text()).toBe('')
    vi.advanceTimersByTime(60_000)
    progress.stop()
    vi.advanceTimersByTime(60_000)
    expect(text()).toBe('waiting for workers: 0 of 1\n')
  })
})
