import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Progress } from '@lockstep/protocol'
import { onTestFinished } from 'vitest'
import type { ProvisionOptions } from '../../src/provision.ts'

/** Creates a folder that is removed when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-tensorflow-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A user with an empty cache and only the given programs (shell scripts by name) on `PATH`. */
export type User = {
  readonly folder: string
  readonly cacheFolder: string
  readonly environment: NodeJS.ProcessEnv
}

export async function createUser(programs: Readonly<Record<string, string>> = {}): Promise<User> {
  const folder = await temporaryFolder()
  const binFolder = join(folder, 'bin')
  await mkdir(binFolder)
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(binFolder, name), `#!/bin/sh\n${script}\n`)
    await chmod(join(binFolder, name), 0o755)
  }
  const environment = { PATH: binFolder, HOME: folder, LOCKSTEP_CACHE_DIR: join(folder, 'cache') }
  return { folder, environment, cacheFolder: join(folder, 'cache', 'tensorflow') }
}

/** Options for provisioning, and the notices and progress that it reports. */
export function listen(environment: NodeJS.ProcessEnv, offline = false) {
  const notices: string[] = []
  const progress: Progress[] = []
  const options: ProvisionOptions = {
    environment,
    offline,
    onNotice: text => notices.push(text),
    onProgress: step => progress.push(step),
  }
  return { options, notices, progress }
}

/** The lines of a file that a script has written; none if the file does not exist. */
export async function readLines(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.split('\n').filter(line => line !== '')
}
