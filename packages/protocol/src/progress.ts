/** The progress of a long piece of work. `total` is absent while it is unknown. */
export type Progress = {
  /** The current activity, as a short phrase: `downloading TensorFlow 2.21.0`. */
  readonly label: string
  readonly done: number
  readonly total?: number
  readonly unit: 'bytes' | 'files' | 'images' | 'steps'
}

export type ProgressListener = (progress: Progress) => void
