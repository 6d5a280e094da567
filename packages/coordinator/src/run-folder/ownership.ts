import { join } from 'node:path'
import { makeFolderDurably, readText, writeAtomically } from '../disk/atomic-file.ts'
import type { Disk } from '../disk/disk.ts'
import { refuseSuperseded, superseded, writeLife } from './life.ts'
import { runFiles } from './run-files.ts'

/** Whether this life of this run still owns its folder. Asked before every write into the folder. */
export type Ownership = {
  /**
   * Throws `superseded` where a later life or another run owns the folder, and what a failed write throws. Creates a
   * missing folder again, with the files that identify its owner.
   */
  readonly assert: () => Promise<void>
  /** The same, but allows a missing folder: what is written into a file of it that is still open is seen by nobody. */
  readonly confirm: () => Promise<void>
}

/** A run folder, and the life that writes it. */
export type OwnedFolder = {
  readonly path: string
  readonly life: number
  /** The text of `config.json`. */
  readonly config: string
}

type OwnershipOptions = OwnedFolder & {
  readonly disk: Disk
  /** Claims the folder after it has been created again. */
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

/** False where the folder identifies no owner; throws what `Ownership.assert` throws where it has another one. */
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
