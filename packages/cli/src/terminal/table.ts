import { visibleWidth } from './style.ts'

export type Column = {
  readonly title: string
  /** `right` for numbers, so that their digits line up. Default: `left`. */
  readonly align?: 'left' | 'right'
}

/**
 * Formats rows in aligned columns, two spaces apart, below a line of titles. Cells may contain colours.
 * @returns the lines, without trailing spaces
 */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const lines = [columns.map(column => column.title), ...rows]
  const widths = columns.map((_, index) => Math.max(...lines.map(line => visibleWidth(line[index] ?? ''))))
  return lines.map(line =>
    columns
      .map((column, index) => pad(line[index] ?? '', widths[index] ?? 0, column.align ?? 'left'))
      .join('  ')
      .trimEnd(),
  )
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(width - visibleWidth(text))
  return align === 'left' ? text + space : space + text
}
