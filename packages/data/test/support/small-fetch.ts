import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CifarFormat, cifar10 } from '../../src/cifar/format.ts'
import type { FetchOptions } from '../../src/fetch/fetch-cifar.ts'
import { packSmallCifar } from './small-cifar.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Options of a fetch, by default of CIFAR-10 into a new folder; `notices` collects the notices. */
export function fetchOf(options: Partial<FetchOptions>): FetchOptions & { readonly notices: string[] } {
  const notices: string[] = []
  return {
    format: cifar10,
    folder: join(temporaryFolder(), 'data'),
    environment: {},
    onProgress: () => undefined,
    onNotice: notice => notices.push(notice),
    retryMs: 1,
    notices,
    ...options,
  }
}

/** A small archive, and a CIFAR-10 format whose official archive it is, at the given address. */
export async function smallArchive(): Promise<{ content: Uint8Array; official: (address: string) => CifarFormat }> {
  const content = await readFile(await packSmallCifar(temporaryFolder(), cifar10))
  const md5 = createHash('md5').update(content).digest('hex')
  return { content, official: address => ({ ...cifar10, url: `${address}/${cifar10.archive}`, md5 }) }
}
