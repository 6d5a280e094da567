// node write-file.mjs FOLDER: prints the code of the error that writing a file into FOLDER ends with.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

try {
  writeFileSync(join(process.argv[2], 'file'), '')
} catch (error) {
  process.stdout.write(error.code)
}
