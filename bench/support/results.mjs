// The folder for the results of a benchmark.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The flag that names the folder. */
export const outFlag = {
  value: 'DIR',
  help: 'folder for the results, as Markdown and JSON',
  usual: fileURLToPath(new URL('../results', import.meta.url)),
  shown: 'bench/results',
}

/** Prints a report and saves it with all its figures. */
export function keepResults(folder, name, text, figures) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.md`), text)
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(figures, undefined, 2)}\n`)
  process.stdout.write(text)
}
