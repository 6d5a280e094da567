/** A peer's text as a terminal or a log may show it: with spaces for control and format characters, such as escapes and ends of lines. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
}
