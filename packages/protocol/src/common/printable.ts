/**
 * A peer's text, safe to show in a terminal or a log: control and format characters, such as escapes and line ends,
 * become spaces.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
}
