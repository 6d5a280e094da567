/** An amount of data in decimal units (1 MB = 1,000,000 bytes): `512 B`, `1.5 kB`, `274.0 MB`, `2.50 GB`, `1.92 TB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`
  if (bytes < 999_950) return `${(bytes / 1e3).toFixed(1)} kB`
  if (bytes < 999_950_000) return `${(bytes / 1e6).toFixed(1)} MB`
  if (bytes < 999_995_000_000) return `${(bytes / 1e9).toFixed(2)} GB`
  return `${(bytes / 1e12).toFixed(2)} TB`
}
