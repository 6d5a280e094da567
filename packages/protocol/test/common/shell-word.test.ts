import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { shellWord } from '../../src/common/shell-word.ts'

test.each(['runs/a_1.b', 'my run', "it's", 'Tüte', '$HOME', 'a*', ''])('a shell reads it as one word: %s', text => {
  const line = `printf '[%s]' ${shellWord(text)}`
  expect(execFileSync('sh', ['-c', line], { encoding: 'utf8' })).toBe(`[${text}]`)
})

test('a text that needs no quotes has none', () => {
  expect(shellWord('runs/2026-11-30T20-53-07-reference-cifar10')).toBe('runs/2026-11-30T20-53-07-reference-cifar10')
})
