import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import type { WheelSource } from '../../src/wheel-source.ts'
import { createUser, type User } from './machine.ts'

/** The contents of a tiny wheel: two libraries, some headers, and files that are not needed. */
const wheelFiles: Readonly<Record<string, string>> = {
  'tensorflow/libtensorflow_cc.so.2': 'library '.repeat(40_000),
  'tensorflow/libtensorflow_framework.so.2': 'framework '.repeat(10_000),
  'tensorflow/include/tensorflow/c/c_api.h': '// c_api.h',
  'tensorflow/include/tensorflow/c/eager/c_api.h': '// eager/c_api.h',
  'tensorflow/include/tensorflow/core/framework/op.h': '// a header of the C++ interface',
  'tensorflow/python/__init__.py': '# Python',
}

export type WheelUser = User & {
  readonly source: WheelSource
  /** A file with a line for each download requested from pip. */
  readonly pipLog: string
}

/**
 * A user whose pip provides a tiny wheel after it has run `beforeDownload`, a line of shell in which `$folder` is the
 * folder for the wheel.
 */
export async function createUserWithPip(beforeDownload = ':'): Promise<WheelUser> {
  const user = await createUser()
  const source = await writeWheel(join(user.folder, 'tiny.whl'))
  const pipLog = join(user.folder, 'pip.log')
  const { environment } = await createUser({ python3: pipScript(user.folder, source.fileName, pipLog, beforeDownload) })
  return { ...user, source, pipLog, environment: { ...user.environment, PATH: environment.PATH } }
}

async function writeWheel(file: string): Promise<WheelSource> {
  const zip = new ZipFile()
  for (const [name, text] of Object.entries(wheelFiles)) zip.addBuffer(Buffer.from(text), name)
  zip.end()
  await pipeline(zip.outputStream, createWriteStream(file))
  const bytes = await readFile(file)
  return {
    version: '0.0.1',
    requirement: 'tiny-tensorflow==0.0.1',
    platformTag: 'manylinux_2_27_x86_64',
    fileName: 'tiny_tensorflow-0.0.1.whl',
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    unpackedBytes: 500_000,
  }
}

function pipScript(folder: string, fileName: string, log: string, beforeDownload: string): string {
  return [
    'case "$*" in *--version) echo "pip 0.0.1"; exit 0;; esac',
    `echo "$*" >> ${log}`,
    'IFS="="; for argument; do case "$argument" in --dest=*) set -- $argument; folder="$2";; esac; done',
    beforeDownload,
    `/bin/cp ${join(folder, 'tiny.whl')} "$folder/${fileName}"`,
  ].join('\n')
}
