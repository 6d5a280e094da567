import { expect, test } from 'vitest'
import { folderTime } from '../../src/runs/folder-time.ts'

test('names of folders contain the time in UTC', () => {
  expect(folderTime(new Date('2026-03-01T23:30:05.999-05:00'))).toBe('2026-03-02T04-30-05')
})
