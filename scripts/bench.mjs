// `pnpm bench [NAME] [flags]`: runs a benchmark, or lists them.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { firstLineOf } from '../bench/support/flags.mjs'
import { makeReady, root, say } from './ready.mjs'

const folder = join(root, 'bench')
const [name, ...flags] = process.argv.slice(2)

if (name === undefined || name === '--help') {
  process.stdout.write(`pnpm bench NAME [flags]\n\n${list()}`)
  process.exit(0)
}
if (!existsSync(join(folder, `${name}.mjs`))) {
  say(`there is no benchmark ${name}\n\n${list()}`)
  process.exit(2)
}
makeReady()
process.exit(spawnSync(process.execPath, [join(folder, `${name}.mjs`), ...flags], { stdio: 'inherit' }).status ?? 1)

/** Lists every benchmark with the first line of its file, which says what it measures. */
function list() {
  const names = readdirSync(folder).filter(file => file.endsWith('.mjs'))
  return names.map(file => `  ${file.replace('.mjs', '').padEnd(12)}${firstLineOf(join(folder, file))}\n`).join('')
}
