import type { DataSetName } from '@lockstep/protocol'

export const imageShape = [32, 32, 3] as const
/** Bytes of one image: 32 rows × 32 columns × 3 channels. */
export const imageBytes = 32 * 32 * 3

/** Images in row, column, channel order (HWC) and their labels. */
export type ImageSplit = {
  readonly count: number
  /** [count, 32, 32, 3]. */
  readonly pixels: Uint8Array
  /** Class indices [count]. */
  readonly labels: Uint8Array
}

export type DataSet = {
  readonly name: DataSetName
  readonly imageShape: readonly [32, 32, 3]
  /** One name per class, in label order. */
  readonly classNames: readonly string[]
  readonly train: ImageSplit
  readonly test: ImageSplit
  /** The folder that holds the files, or `embedded`. */
  readonly source: string
}
