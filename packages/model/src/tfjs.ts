import * as tf from '@tensorflow/tfjs'
import { repairTfjs } from './repairs/index.ts'

// In production mode tfjs does not print its warnings and its banner about the cpu backend.
tf.enableProdMode()
repairTfjs()

export { tf }

/** Selects plain JavaScript in this thread, for a process that builds models but computes no gradients. */
export async function usePlainJavaScript(): Promise<void> {
  await tf.setBackend('cpu')
}
