import { parentPort } from 'node:worker_threads'
import { blockingDisk } from '../disk/blocking-disk.ts'
import { type CheckpointJob, storeOn } from './checkpoint-store.ts'
import { giveWay } from './give-way.ts'
import { describeForThread, type StoreAnswer } from './store-messages.ts'

const port = parentPort!
const store = storeOn(blockingDisk)
giveWay()
port.on('message', async (job: CheckpointJob) => {
  const answer: StoreAnswer = await store(job).then(
    path => ({ type: 'stored', path }),
    error => ({ type: 'failed', error: describeForThread(error) }),
  )
  port.postMessage(answer)
})
