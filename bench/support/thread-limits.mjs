/** Environment variables that limit TensorFlow, OpenMP and MKL to a number of threads and turn off TensorFlow's log. */
export function threadLimits(threads) {
  return {
    TF_NUM_INTRAOP_THREADS: `${threads}`,
    TF_NUM_INTEROP_THREADS: `${threads}`,
    TF_CPP_MIN_LOG_LEVEL: '3',
    OMP_NUM_THREADS: `${threads}`,
    MKL_NUM_THREADS: `${threads}`,
  }
}
