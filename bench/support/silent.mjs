/** For what provides TensorFlow and data: from where a run has them, and without a word. */
export const silent = {
  environment: process.env,
  offline: false,
  onProgress: () => undefined,
  onNotice: () => undefined,
}
