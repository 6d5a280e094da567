/** Formats a time for folder names, in UTC to the second: `2026-03-01T09-00-00`. */
export function folderTime(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll(':', '-')
}
