import { stripVTControlCharacters, styleText } from 'node:util'

export type TextFormat = Parameters<typeof styleText>[0]
export type Styler = (format: TextFormat, text: string) => string

/** Colours text for one stream; leaves it plain where the stream is no terminal or `NO_COLOR` is set. */
export function createStyler(stream: NodeJS.WritableStream): Styler {
  return (format, text) => styleText(format, text, { stream })
}

/** How many columns the text takes on a terminal: colours take none. */
export function visibleWidth(text: string): number {
  return [...stripVTControlCharacters(text)].length
}

/** Plain text cut to at most `width` columns, the last of them `…` where something was cut. */
export function truncate(text: string, width: number): string {
  const characters = [...text]
  if (characters.length <= width) return text
  return width <= 0 ? '' : `${characters.slice(0, width - 1).join('')}…`
}
