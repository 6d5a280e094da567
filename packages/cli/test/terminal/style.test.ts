import { WriteStream } from 'node:tty'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createStyler, truncate, visibleWidth } from '../../src/terminal/style.ts'
import { createFakeTerminal, createPlainStream } from './fake-terminal.ts'

beforeEach(() => void vi.stubEnv('FORCE_COLOR', undefined))
afterEach(() => void vi.unstubAllEnvs())

describe('colours', () => {
  it('are written only to a terminal', () => {
    expect(createStyler(createPlainStream().stream)('bold', 'best')).toBe('best')
    // SGR 1 is bold on, 22 is bold off (ECMA-48).
    expect(createStyler(createFakeTerminal(80).stream)('bold', 'best')).toBe('\u001b[1mbest\u001b[22m')
  })

  it('are omitted if NO_COLOR is set', () => {
    vi.stubEnv('NO_COLOR', '1')
    const { stream } = createFakeTerminal(80)
    Object.assign(stream, { getColorDepth: WriteStream.prototype.getColorDepth })
    expect(createStyler(stream)('bold', 'best')).toBe('best')
  })

  it('do not add to the visible width', () => {
    expect(visibleWidth('\u001b[1mbest\u001b[22m')).toBe(4)
  })
})

describe('truncation', () => {
  it('marks a shortened text and does not change one that fits', () => {
    expect([truncate('epoch', 5), truncate('epochs', 5), truncate('epochs', 1), truncate('epochs', 0)]).toEqual([
      'epoch',
      'epoc…',
      '…',
      '',
    ])
  })
})
