import { expect, test } from 'vitest'
import { formatBytes } from '../../src/common/format-bytes.ts'

test.each([
  [512, '512 B'],
  [1500, '1.5 kB'],
  [999_949, '999.9 kB'],
  [999_950, '1.0 MB'],
  [274_000_871, '274.0 MB'],
  [2_500_000_000, '2.50 GB'],
  [999_995_000_000, '1.00 TB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})
