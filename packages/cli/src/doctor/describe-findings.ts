import type { Finding, FindingState } from '@lockstep/tensorflow'
import type { Styler, TextFormat } from '../terminal/style.ts'
import { formatTable } from '../terminal/table.ts'

const marks: Readonly<Record<FindingState, { readonly sign: string; readonly color: TextFormat }>> = {
  ok: { sign: '✓', color: 'green' },
  missing: { sign: '✗', color: 'red' },
  warning: { sign: '!', color: 'yellow' },
}

/** Formats findings for a terminal: a row for each with its remedy below, then the number that need attention. */
export function describeFindings(findings: readonly Finding[], style: Styler): readonly string[] {
  const rows = findings.map(({ state, subject, value }) => {
    const { sign, color } = marks[state]
    return [style(color, sign), subject, value]
  })
  const [, ...lines] = formatTable([{ title: '' }, { title: '' }, { title: '' }], rows)
  const withRemedies = findings.flatMap(({ remedy }, index) => {
    const line = lines[index] ?? ''
    return remedy === undefined ? [line] : [line, `     → ${remedy}`]
  })
  return [...withRemedies, '', summarizeFindings(findings)]
}

function summarizeFindings(findings: readonly Finding[]): string {
  const open = findings.filter(({ state }) => state !== 'ok').length
  if (open === 0) return 'Everything is there.'
  return open === 1 ? '1 thing could be better: see →.' : `${open} things could be better: see →.`
}
