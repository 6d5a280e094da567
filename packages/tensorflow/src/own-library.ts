import { createHash } from 'node:crypto'
import { access, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LockstepError } from '@lockstep/protocol'
import type { Library } from './library.ts'

const libraryNames = ['libtensorflow_cc.so.2', 'libtensorflow.so.2'] as const
const frameworkName = 'libtensorflow_framework.so.2'
const headerPath = join('tensorflow', 'c', 'c_api.h')

/**
 * Finds the user's own library (`LOCKSTEP_LIBTENSORFLOW`) in a folder of TensorFlow's C distribution (`lib/` and
 * `include/`) or the folder `tensorflow` of a wheel. Throws LockstepError `tensorflow-library-invalid` (usage).
 */
export async function findOwnLibrary(folder: string): Promise<Library> {
  const root = await realpath(folder).catch(() => undefined)
  if (root === undefined) throw invalid(folder, 'no such folder')
  for (const libraryFolder of [join(root, 'lib'), root]) {
    const name = await firstExisting(libraryFolder, libraryNames)
    if (name !== undefined) return await describeLibrary(folder, root, libraryFolder, name)
  }
  throw invalid(folder, `neither ${libraryNames.join(' nor ')} in it or in its lib/`)
}

async function describeLibrary(given: string, root: string, libraryFolder: string, name: string): Promise<Library> {
  const includeFolder = join(root, 'include')
  if (!(await exists(join(includeFolder, headerPath)))) throw invalid(given, `no include/${headerPath} in it`)
  if (!(await exists(join(libraryFolder, frameworkName)))) throw invalid(given, `no ${frameworkName} beside ${name}`)
  const { size, mtimeMs } = await stat(join(libraryFolder, name))
  const identity = createHash('sha256')
    .update(JSON.stringify([libraryFolder, name, size, mtimeMs]))
    .digest('hex')
  return {
    key: `own-${identity.slice(0, 12)}`,
    folder: root,
    libraryFolder,
    includeFolder,
    linkNames: [name, frameworkName],
  }
}

async function firstExisting(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    if (await exists(join(folder, name))) return name
  }
  return undefined
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}

function invalid(folder: string, received: string): LockstepError {
  return new LockstepError(
    'tensorflow-library-invalid',
    `LOCKSTEP_LIBTENSORFLOW names no TensorFlow library: ${folder}`,
    {
      kind: 'usage',
      expected: `a folder with lib/${libraryNames[0]} (or ${libraryNames[1]}), lib/${frameworkName} and include/${headerPath}`,
      received,
      hint: 'The folder `tensorflow` of an unpacked wheel serves as well. Unset the variable to let lockstep install one.',
    },
  )
}
