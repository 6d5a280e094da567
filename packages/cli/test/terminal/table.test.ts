import { expect, it } from 'vitest'
import { formatTable } from '../../src/terminal/table.ts'

it('a table aligns names to the left and numbers to the right, also with coloured cells', () => {
  const columns = [{ title: 'run' }, { title: 'epochs', align: 'right' }, { title: 'state' }] as const
  const rows = [
    ['\u001b[1mreference\u001b[22m', '100', 'completed'],
    ['b', '7', ''],
  ]
  expect(formatTable(columns, rows)).toEqual([
    'run        epochs  state',
    '\u001b[1mreference\u001b[22m     100  completed',
    'b               7',
  ])
})
