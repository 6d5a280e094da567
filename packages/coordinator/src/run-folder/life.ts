import { join } from 'node:path'
import { LockstepError } from '@lockstep/protocol'
import { z } from 'zod'
import { readText, writeAtomically } from '../disk/atomic-file.ts'
import { type Disk, systemDisk } from '../disk/disk.ts'

/** Holds the run's life: how many coordinators it has had. The number only ever increases. */
const lifeFile = 'life.json'

const lifeSchema = z.strictObject({ life: z.int().min(1) })

/**
 * Begins the next life of the run in a folder, durably, and returns its number. A worker that has been welcomed to it
 * never works for an earlier one again. Throws `life-damaged`, or what a failed write throws.
 */
export async function beginLife(folder: string, disk = systemDisk): Promise<number> {
  const life = (await readLife(folder, disk)) + 1
  await writeLife(folder, life, disk)
  return life
}

/** Writes the life into a folder that has lost it. */
export async function writeLife(folder: string, life: number, disk: Disk): Promise<void> {
  await writeAtomically(join(folder, lifeFile), `${JSON.stringify({ life })}\n`, disk)
}

/** Throws `superseded` when another coordinator has begun a later life of the run and so owns the folder. */
export async function refuseSuperseded(folder: string, life: number, disk = systemDisk): Promise<void> {
  const latest = await readLife(folder, disk)
  if (latest > life) throw superseded(`its folder is in life ${latest}, this coordinator in life ${life}`)
}

/** The error of a coordinator whose run another one continues, for a reason such as `its folder is in life 3, …`. */
export function superseded(reason: string): LockstepError {
  return new LockstepError('superseded', `another coordinator has taken over this run: ${reason}`, {
    hint: 'This one wrote nothing more. Use the other, or stop it and continue with --resume.',
  })
}

/** 0 for a folder in which no life has begun. */
async function readLife(folder: string, disk: Disk): Promise<number> {
  const path = join(folder, lifeFile)
  const text = await readText(path, disk)
  if (text === null) return 0
  const parsed = lifeSchema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data.life
  throw new LockstepError('life-damaged', `${path} does not say which life the run is in`, {
    expected: '{"life":N}',
    received: text.slice(0, 80),
    hint: 'Write a number higher than any life the run has had.',
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
