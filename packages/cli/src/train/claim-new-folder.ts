import { join } from 'node:path'
import { createFolderClaim, type FolderClaim, refuseTaken } from '@lockstep/coordinator'
import { LockstepError } from '@lockstep/protocol'
import type { LaunchOptions } from '../flags/launch-options.ts'

export type ClaimedFolder = { readonly folder: string; readonly claim: FolderClaim }

/**
 * Claims the folder of a new run: `--run-dir`, or the first free one of `name`, `name-2`, `name-3` … in the runs
 * folder. The number is needed because several runs may start in the same second, which is part of the name.
 * Throws `run-folder-taken` and `run-folder-in-use` for a `--run-dir`, `run-folder-inside-file`, and the errors of
 * failed writes.
 */
export async function claimNewFolder(
  { runDir, runsDir }: Pick<LaunchOptions, 'runDir' | 'runsDir'>,
  name: string,
): Promise<ClaimedFolder> {
  if (runDir !== null) return claimFolder(runDir)
  for (let number = 1; ; number++) {
    const folder = join(runsDir, number === 1 ? name : `${name}-${number}`)
    const claimed = await claimFolder(folder).catch(error => {
      if (!isTaken(error)) throw error
      return null
    })
    if (claimed !== null) return claimed
  }
}

async function claimFolder(folder: string): Promise<ClaimedFolder> {
  await refuseTaken(folder)
  const claim = createFolderClaim(folder)
  await claim.take()
  return { folder, claim }
}

function isTaken(error: unknown): boolean {
  return error instanceof LockstepError && ['run-folder-taken', 'run-folder-in-use'].includes(error.code)
}
