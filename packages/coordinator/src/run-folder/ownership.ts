import { join } from 'node:path'
import { makeFolderDurably, readText, writeAtomically } from '../disk/atomic-file.ts'
import type { Disk } from '../disk/disk.ts'
import { refuseSuperseded, superseded, writeLife } from './life.ts'
import { runFiles } from './run-files.ts'

/** Whether a run folder is still this life's of this run, which is asked before every write into it. */
export type Ownership = {
  /**
   * Throws `superseded` where a later life or another run has the folder, and what a failed write throws. A folder that is
   * gone is made again, with what tells whose it is.
   */
  readonly assert: () => Promise<void>
  /** The same, but for a folder that is gone: whatever is written into what was open in it is seen by nobody. */
  readonly confirm: () => Promise<void>
}

/** A run folder, and who writes it. */
export type OwnedFolder = {
  readonly path: string
  readonly life: number
  /** The text of `config.json`. */
  readonly config: string
}

type OwnershipOptions = OwnedFolder & {
  readonly disk: Disk
  /** Claims the folder that has been made again. */
  readonly claim?: (() => Promise<void>) | undefined
  readonly onRestored: () => void
}

export function createOwnership(options: OwnershipOptions): Ownership {
  const { path, life, config, disk } = options
  let restoring: Promise<void> | null = null

  async function assert(): Promise<void> {
    if (!(await isOwned(options, disk))) return restore()
  }

  function restore(): Promise<void> {
    restoring ??= makeAgain().finally(() => {
      restoring = null
    })
    return restoring
  }

  async function makeAgain(): Promise<void> {
    await makeFolderDurably(path, disk)
    await options.claim?.()
    await writeLife(path, life, disk)
    await writeAtomically(join(path, runFiles.config), config, disk)
    options.onRestored()
  }

  return { assert, confirm: async () => void (await isOwned(options, disk)) }
}

/** False where it is nobody's; throws as `Ownership.assert` where it is another's. */
export async function isOwned({ path, life, config }: OwnedFolder, disk: Disk): Promise<boolean> {
  await refuseSuperseded(path, life, disk)
  const found = await readText(join(path, runFiles.config), disk)
  if (found === null) return false
  const [ours, theirs] = [runIdIn(config), runIdIn(found)]
  if (theirs !== null && theirs !== ours) throw superseded(`its folder holds run ${theirs} now`)
  return true
}

function runIdIn(config: string): string | null {
  try {
    const { runId } = JSON.parse(config)
    return typeof runId === 'string' ? runId : null
  } catch {
    return null
  }
}
