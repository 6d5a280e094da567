/** Environment variables that keep TensorFlow, OpenMP and MKL to a number of threads, and TensorFlow from logging. */
export function threadLimits(threads) {
  return {
    TF_NUM_INTRAOP_THREADS: `${threads}`,
    TF_NUM_INTEROP_THREADS: `${threads}`,
    TF_CPP_MIN_LOG_LEVEL: '3',
    OMP_NUM_THREADS: `${threads}`,
    MKL_NUM_THREADS: `${threads}`,
  }
}
