import type { DataSetName } from '@lockstep/protocol'

export type CifarName = Exclude<DataSetName, 'synthetic'>

/**
 * The official binary layout (https://www.cs.toronto.edu/~kriz/cifar.html): records of label bytes and 3072 pixel bytes,
 * the pixels channel by channel (R, G, B), each row by row.
 */
export type CifarFormat = {
  readonly name: CifarName
  readonly folder: string
  readonly archive: string
  /** Where the official archive lies, and its MD5. */
  readonly url: string
  readonly md5: string
  readonly archiveBytes: number
  readonly trainFiles: readonly string[]
  readonly testFile: string
  /** Records in each training file and in the test file. */
  readonly trainRecords: number
  readonly testRecords: number
  /** Bytes before the pixels, the last of which is the label that is learnt. */
  readonly labelBytes: number
  readonly classes: number
  readonly namesFile: string
}

export const cifar10: CifarFormat = {
  name: 'cifar10',
  folder: 'cifar-10-batches-bin',
  archive: 'cifar-10-binary.tar.gz',
  url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
  md5: 'c32a1d4ab5d03f1284b67883e8d87530',
  archiveBytes: 170_052_171,
  trainFiles: [1, 2, 3, 4, 5].map(index => `data_batch_${index}.bin`),
  testFile: 'test_batch.bin',
  trainRecords: 10_000,
  testRecords: 10_000,
  labelBytes: 1,
  classes: 10,
  namesFile: 'batches.meta.txt',
}

/** A coarse label comes first; the fine one is learnt. */
export const cifar100: CifarFormat = {
  name: 'cifar100',
  folder: 'cifar-100-binary',
  archive: 'cifar-100-binary.tar.gz',
  url: 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
  md5: '03b5dce01913d631647c71ecec9e9cb8',
  archiveBytes: 168_513_733,
  trainFiles: ['train.bin'],
  testFile: 'test.bin',
  trainRecords: 50_000,
  testRecords: 10_000,
  labelBytes: 2,
  classes: 100,
  namesFile: 'fine_label_names.txt',
}

export const cifarFormats: Readonly<Record<CifarName, CifarFormat>> = { cifar10, cifar100 }

/** Pixels of one channel. */
export const planeBytes = 32 * 32

export function recordBytes(format: CifarFormat): number {
  return format.labelBytes + 3 * planeBytes
}
