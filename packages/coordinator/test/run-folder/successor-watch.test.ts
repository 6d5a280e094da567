import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '@lockstep/protocol'
import { createHappenings } from '@lockstep/protocol/testing'
import { expect, test } from 'vitest'
import { createRunFolder, reopenRunFolder } from '../../src/run-folder/run-folder.ts'
import { watchForSuccessor } from '../../src/run-folder/successor-watch.ts'
import { temporaryFolder } from '../support/folder.ts'

/** A run folder that is watched, on a clock that the test ticks. `look` ticks and waits until the check is over. */
async function watchFolder() {
  const path = join(await temporaryFolder(), 'run')
  const folder = await createRunFolder(path, {})
  const looked = createHappenings<void>()
  const found: string[] = []
  const ticks: (() => void)[] = []
  const clock: Clock = {
    ...systemClock,
    every: (_, action) => {
      ticks.push(action)
      return () => ticks.pop()
    },
  }
  const refuseSuperseded = () => folder.refuseSuperseded().finally(looked.add)
  const stop = watchForSuccessor(clock, { ...folder, refuseSuperseded }, error => found.push(error.code))
  const look = async () => {
    for (const tick of ticks) tick()
    await looked.next()
    await new Promise(resolve => setImmediate(resolve))
  }
  return { path, found, look, stop, ticks }
}

test('an idle coordinator notices that another one has continued its run', async () => {
  const { path, found, look, stop, ticks } = await watchFolder()
  await look()
  expect(found).toEqual([])
  await reopenRunFolder(path, { epochs: [], step: 0 }, {})
  await look()
  expect(found).toEqual(['superseded'])
  stop()
  expect(ticks).toEqual([])
})

test('an idle coordinator continues if the folder is damaged or removed', async () => {
  const { path, found, look } = await watchFolder()
  await writeFile(join(path, 'life.json'), 'no life')
  await look()
  await rm(path, { recursive: true })
  await look()
  expect(found).toEqual([])
})
