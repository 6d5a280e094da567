import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createProgressBar } from '../../src/terminal/progress.ts'
import { createFakeTerminal, createPlainStream } from './fake-terminal.ts'

const download = { label: 'downloading TensorFlow', total: 274_000_000, unit: 'bytes' } as const

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a progress bar on a terminal', () => {
  it('shows percentage, amounts, speed and time left', async () => {
    const { stream, screen } = createFakeTerminal(120)
    const bar = createProgressBar(stream)
    bar.update({ ...download, done: 0 })
    vi.advanceTimersByTime(2000)
    bar.update({ ...download, done: 68_500_000 })
    vi.advanceTimersByTime(100)
    // 68.5 of 274 MB is a quarter: 6 of 24 cells; 68.5 MB in 2 s; the other 205.5 MB take 6 s.
    expect(await screen()).toEqual([
      'downloading TensorFlow ██████░░░░░░░░░░░░░░░░░░ 25 % · 68.5 MB of 274.0 MB · 34.3 MB/s · 6 s left',
    ])
    bar.stop()
  })

  it('has a line for each label, which stays when it stops', async () => {
    const { stream, screen } = createFakeTerminal(100)
    const bar = createProgressBar(stream)
    bar.update({ ...download, done: 0 })
    vi.advanceTimersByTime(8000)
    bar.update({ ...download, done: 274_000_000 })
    bar.update({ label: 'unpacking', done: 3, unit: 'files' })
    bar.stop()
    stream.write('next\n')
    expect(await screen()).toEqual([
      'downloading TensorFlow ████████████████████████ 100 % · 274.0 MB of 274.0 MB · in 8 s',
      'unpacking  3 files',
      'next',
    ])
  })

  it('drops the bar and then truncates the text if the terminal is narrow', async () => {
    const { stream, screen } = createFakeTerminal(40)
    const bar = createProgressBar(stream)
    bar.update({ ...download, done: 0 })
    vi.advanceTimersByTime(1000)
    bar.update({ ...download, done: 27_400_000 })
    vi.advanceTimersByTime(100)
    expect(await screen()).toEqual(['downloading TensorFlow 10 % · 27.4 MB …'])
    bar.stop()
  })

  it('redraws at most ten times a second', () => {
    const { stream, written } = createFakeTerminal(80)
    const bar = createProgressBar(stream)
    for (let millisecond = 0; millisecond < 1000; millisecond++) {
      bar.update({ ...download, done: millisecond * 1000 })
      vi.advanceTimersByTime(1)
    }
    bar.stop()
    const draws = written().split('downloading TensorFlow').length - 1
    // Ten in the second, and the last state when it stops.
    expect(draws).toBe(11)
  })
})

describe('a progress bar without a terminal', () => {
  it('writes a line at the start, every 10 s and at the end', () => {
    const { stream, text } = createPlainStream()
    const bar = createProgressBar(stream)
    for (let second = 0; second <= 25; second++) {
      bar.update({ ...download, total: 100_000_000, done: second * 4_000_000 })
      vi.advanceTimersByTime(1000)
    }
    bar.stop()
    expect(text().split('\n')).toEqual([
      'downloading TensorFlow: 0 % · 0 B of 100.0 MB',
      'downloading TensorFlow: 40 % · 40.0 MB of 100.0 MB · 4.0 MB/s · 15 s left',
      'downloading TensorFlow: 80 % · 80.0 MB of 100.0 MB · 4.0 MB/s · 5 s left',
      'downloading TensorFlow: 100 % · 100.0 MB of 100.0 MB · in 25 s',
      '',
    ])
  })

  it('writes the state of unfinished work when it stops', () => {
    const { stream, text } = createPlainStream()
    const bar = createProgressBar(stream)
    bar.update({ label: 'unpacking', done: 1, unit: 'files' })
    vi.advanceTimersByTime(2000)
    bar.update({ label: 'unpacking', done: 5, unit: 'files' })
    bar.stop()
    bar.stop()
    expect(text()).toBe('unpacking: 1 files\nunpacking: 5 files · 2.0/s\n')
  })

  it('writes one line for work that was already done', () => {
    const { stream, text } = createPlainStream()
    const bar = createProgressBar(stream)
    bar.update({ label: 'checking', done: 6, total: 6, unit: 'files' })
    bar.stop()
    expect(text()).toBe('checking: 100 % · 6 of 6 files\n')
  })
})
