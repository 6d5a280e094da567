// The data that every contestant trains on.
import { execFileSync } from 'node:child_process'
import { cifar10, findCifarFolder } from '@lockstep/data'
import { mainFile } from '../support/lockstep.mjs'

/**
 * A folder in the binary layout of CIFAR-10: that of `LOCKSTEP_DATA_DIR`, or the synthetic set, written to `folder`.
 */
export async function prepareData(folder) {
  const given = process.env.LOCKSTEP_DATA_DIR
  if (given === undefined)
    execFileSync(process.execPath, [mainFile, 'data', 'synthesize', '--format', 'cifar10', '--out', folder])
  const found = await findCifarFolder(given ?? folder, cifar10)
  if (found === null) throw new Error('LOCKSTEP_DATA_DIR holds no CIFAR-10 in its binary layout')
  return { dataDir: found, dataSource: given === undefined ? 'synthetic set in the layout of CIFAR-10' : 'CIFAR-10' }
}
