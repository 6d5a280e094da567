// Loads the backend of argument 1, the result of provisioning, in three threads, one after the other, and prints what
// each computes.
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { loadTensorFlow } from '@lockstep/tensorflow'
import * as tf from '@tensorflow/tfjs'

if (isMainThread) {
  for (let count = 0; count < 3; count++) {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: JSON.parse(process.argv[2]) })
    worker.on('message', text => process.stdout.write(`${text}\n`))
    await once(worker, 'exit')
  }
} else {
  const { backend } = await loadTensorFlow(workerData)
  const product = tf.matMul(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]]))
  parentPort.postMessage(`${backend} ${product.dataSync()[0]}`)
}
