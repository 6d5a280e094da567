import { parentPort } from 'node:worker_threads'
import { blockingDisk } from '../disk/blocking-disk.ts'
import { type CheckpointJob, storeOn } from './checkpoint-store.ts'
import { lowerPriority } from './lower-priority.ts'
import { describeForThread, type StoreAnswer } from './store-messages.ts'

const port = parentPort!
const store = storeOn(blockingDisk)
lowerPriority()
port.on('message', async (job: CheckpointJob) => {
  const answer: StoreAnswer = await store(job).then(
    path => ({ type: 'stored', path }),
    error => ({ type: 'failed', error: describeForThread(error) }),
  )
  port.postMessage(answer)
})
