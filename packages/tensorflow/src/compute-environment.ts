/**
 * Environment variables for a process that computes: how many threads TensorFlow has, oneDNN's kernels, and no log lines
 * from it. TensorFlow by itself uses oneDNN only on CPUs with AVX-512 VNNI or AMX; with AVX2 it is faster as well.
 * `TF_ENABLE_ONEDNN_OPTS` of this process, where it is set, decides instead.
 */
export function computeEnvironment(threads: number): Readonly<Record<string, string>> {
  return {
    TF_NUM_INTRAOP_THREADS: `${threads}`,
    TF_NUM_INTEROP_THREADS: `${threads}`,
    TF_CPP_MIN_LOG_LEVEL: '3',
    ...(process.arch === 'x64' && { TF_ENABLE_ONEDNN_OPTS: process.env.TF_ENABLE_ONEDNN_OPTS ?? '1' }),
  }
}
