/** Options for providing TensorFlow and data from the same places as a run, without output. */
export const silent = {
  environment: process.env,
  offline: false,
  onProgress: () => undefined,
  onNotice: () => undefined,
}
