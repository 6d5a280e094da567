import * as tf from '@tensorflow/tfjs'
import { repairTfjs } from './repairs/index.ts'

// In production mode tfjs keeps its warnings and its banner about the cpu backend off the console.
tf.enableProdMode()
repairTfjs()

export { tf }

/** Makes this thread compute in plain JavaScript: for a process that builds models but leaves gradients to others. */
export async function usePlainJavaScript(): Promise<void> {
  await tf.setBackend('cpu')
}
