import { stripVTControlCharacters, styleText } from 'node:util'

export type TextFormat = Parameters<typeof styleText>[0]
export type Styler = (format: TextFormat, text: string) => string

/** Colours text for a stream; leaves it plain if the stream is not a terminal or `NO_COLOR` is set. */
export function createStyler(stream: NodeJS.WritableStream): Styler {
  return (format, text) => styleText(format, text, { stream })
}

/** The number of columns that the text takes on a terminal; colours take none. */
export function visibleWidth(text: string): number {
  return [...stripVTControlCharacters(text)].length
}

/** Cuts plain text to at most `width` columns; the last one is `…` if something was cut. */
export function truncate(text: string, width: number): string {
  const characters = [...text]
  if (characters.length <= width) return text
  return width <= 0 ? '' : `${characters.slice(0, width - 1).join('')}…`
}
