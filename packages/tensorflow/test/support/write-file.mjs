// node write-file.mjs FOLDER: prints the error code of writing a file into FOLDER.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

try {
  writeFileSync(join(process.argv[2], 'file'), '')
} catch (error) {
  process.stdout.write(error.code)
}
