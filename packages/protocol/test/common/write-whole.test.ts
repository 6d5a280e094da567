import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { writeWhole } from '../../src/common/write-whole.ts'

test('more bytes than a system call takes are written in pieces', () => {
  const descriptor = openSync(devNull, 'w')
  onTestFinished(() => closeSync(descriptor))
  // Pages that are never touched take no memory.
  expect(() => writeWhole(descriptor, new Uint8Array(2 ** 31))).not.toThrow()
})
