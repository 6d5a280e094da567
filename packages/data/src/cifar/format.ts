import type { DataSetName } from '@lockstep/protocol'
import { imageBytes } from '../data-set.ts'

export type CifarName = Exclude<DataSetName, 'synthetic'>

/**
 * The official binary layout (https://www.cs.toronto.edu/~kriz/cifar.html): records of label bytes and 3072 pixel
 * bytes, the pixels channel by channel (R, G, B), each row by row.
 */
export type CifarFormat = {
  readonly name: CifarName
  /** The name as its authors write it. */
  readonly title: string
  readonly folder: string
  readonly archive: string
  /** Address of the official archive, and its MD5. */
  readonly url: string
  readonly md5: string
  readonly trainFiles: readonly string[]
  readonly testFile: string
  /** Records in each training file and in the test file. */
  readonly trainRecords: number
  readonly testRecords: number
  /** The label bytes before the pixels. The last of them is the label to learn. */
  readonly labels: readonly CifarLabel[]
  readonly namesFile: string
}

type CifarLabel = { readonly kind: string; readonly classes: number }

export const cifar10: CifarFormat = {
  name: 'cifar10',
  title: 'CIFAR-10',
  folder: 'cifar-10-batches-bin',
  archive: 'cifar-10-binary.tar.gz',
  url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
  md5: 'c32a1d4ab5d03f1284b67883e8d87530',
  trainFiles: [1, 2, 3, 4, 5].map(index => `data_batch_${index}.bin`),
  testFile: 'test_batch.bin',
  trainRecords: 10_000,
  testRecords: 10_000,
  labels: [{ kind: 'label', classes: 10 }],
  namesFile: 'batches.meta.txt',
}

export const cifar100: CifarFormat = {
  name: 'cifar100',
  title: 'CIFAR-100',
  folder: 'cifar-100-binary',
  archive: 'cifar-100-binary.tar.gz',
  url: 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
  md5: '03b5dce01913d631647c71ecec9e9cb8',
  trainFiles: ['train.bin'],
  testFile: 'test.bin',
  trainRecords: 50_000,
  testRecords: 10_000,
  labels: [
    { kind: 'coarse label', classes: 20 },
    { kind: 'fine label', classes: 100 },
  ],
  namesFile: 'fine_label_names.txt',
}

export const cifarFormats: Readonly<Record<CifarName, CifarFormat>> = { cifar10, cifar100 }

/** The names of CIFAR-100's superclasses. lockstep writes and unpacks this file but does not train on it. */
export const coarseNamesFile = 'coarse_label_names.txt'

/** The longest allowed file of names or counts. */
export const maxTextBytes = 64 << 10

/** Pixels of one channel. */
export const planeBytes = 32 * 32

export function recordBytes(format: CifarFormat): number {
  return format.labels.length + imageBytes
}

export function classCount(format: CifarFormat): number {
  return format.labels.at(-1)!.classes
}
