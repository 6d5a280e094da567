import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { create } from 'tar'
import { type CifarFormat, recordBytes } from '../../src/cifar/format.ts'
import { recordCountsFile } from '../../src/cifar/record-counts.ts'

export const smallCounts = { trainRecords: 4, testRecords: 3 }

/**
 * Writes a data set with a few records per file into `folder`, in the layout of `data synthesize`. Record r of file f
 * has the label (f + r) mod 10 (coarse: half of it). Its pixels do not compress well.
 */
export async function writeSmallCifar(folder: string, format: CifarFormat): Promise<string> {
  const target = join(folder, format.folder)
  await mkdir(target, { recursive: true })
  for (const [index, name] of [...format.trainFiles, format.testFile].entries()) {
    const records = name === format.testFile ? smallCounts.testRecords : smallCounts.trainRecords
    await writeFile(join(target, name), smallFile(format, index, records))
  }
  await writeFile(join(target, recordCountsFile), JSON.stringify(smallCounts))
  return target
}

export function smallLabel(file: number, record: number): number {
  return (file + record) % 10
}

export function smallPixel(file: number, record: number, byte: number): number {
  return Math.imul(byte + 3072 * (record + 16 * file), 0x9e3779b1) >>> 24
}

function smallFile(format: CifarFormat, file: number, records: number): Uint8Array {
  const bytes: number[] = []
  for (let record = 0; record < records; record++) {
    const label = smallLabel(file, record)
    bytes.push(...(format.labels.length === 2 ? [label >> 1, label] : [label]))
    for (let byte = 0; byte < 3072; byte++) bytes.push(smallPixel(file, record, byte))
  }
  if (bytes.length !== records * recordBytes(format)) throw new Error('records of the wrong size')
  return Uint8Array.from(bytes)
}

/** Packs such a data set as a .tar.gz in `folder`; returns the path of the archive. */
export async function packSmallCifar(folder: string, format: CifarFormat): Promise<string> {
  await writeSmallCifar(folder, format)
  const archive = join(folder, 'archive.tar.gz')
  await create({ gzip: true, file: archive, cwd: folder, portable: true }, [format.folder])
  return archive
}
