import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** SHA-256 in hex over values and the names and contents of all files in folders of code. */
export function fingerprint(values: readonly unknown[], folders: readonly URL[]): string {
  const hash = createHash('sha256').update(JSON.stringify(values))
  for (const folder of folders) {
    const files = readdirSync(fileURLToPath(folder), { recursive: true, withFileTypes: true })
    for (const file of files
      .filter(entry => entry.isFile())
      .map(entry => `${entry.parentPath}/${entry.name}`)
      .sort()) {
      hash.update(`\0${file.slice(fileURLToPath(folder).length)}\0`).update(readFileSync(file))
    }
  }
  return hash.digest('hex')
}
