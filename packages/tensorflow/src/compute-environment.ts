/**
 * Environment variables for a process that computes: they set TensorFlow's number of threads, enable oneDNN and turn
 * off log lines. By default TensorFlow uses oneDNN only on CPUs with AVX-512 VNNI or AMX, but it is faster with AVX2
 * too. `TF_ENABLE_ONEDNN_OPTS` of this process takes precedence.
 */
export function computeEnvironment(threads: number): Readonly<Record<string, string>> {
  return {
    TF_NUM_INTRAOP_THREADS: `${threads}`,
    TF_NUM_INTEROP_THREADS: `${threads}`,
    TF_CPP_MIN_LOG_LEVEL: '3',
    ...(process.arch === 'x64' && { TF_ENABLE_ONEDNN_OPTS: process.env.TF_ENABLE_ONEDNN_OPTS ?? '1' }),
  }
}
