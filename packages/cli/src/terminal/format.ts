const counts = new Intl.NumberFormat('en-US')

/** Formats a duration: `0.4 s`, `42 s`, `3 min 05 s`, `1 h 03 min`, `2 d 04 h`; `–` if unknown. */
export function formatDuration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–'
  if (seconds < 9.95) return Number.isInteger(seconds) ? `${seconds} s` : `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`
  const hours = Math.round(seconds / 3600)
  return `${Math.floor(hours / 24)} d ${twoDigits(hours % 24)} h`
}

/** Formats a whole number with thousands separators: `258,762`. */
export function formatCount(value: number): string {
  return counts.format(Math.round(value))
}

/** Formats an amount with its noun: `1 core`, `2,400 steps`. */
export function formatAmount(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** Formats a number with fixed decimals; `–` if there is none. */
export function formatNumber(value: number | null | undefined, decimals = 4): string {
  return value === null || value === undefined ? '–' : value.toFixed(decimals)
}

/** Formats a fraction as a percentage: 0.6948 is `69.5 %`; `–` if there is none. */
export function formatPercent(fraction: number | null | undefined, decimals = 1): string {
  return fraction === null || fraction === undefined ? '–' : `${(fraction * 100).toFixed(decimals)} %`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
