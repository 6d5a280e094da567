import { defineCommand } from 'citty'

export const localWorkerCommand = defineCommand({
  meta: { name: 'local-worker', description: 'A worker process of `train`', hidden: true },
  run: async () => {
    const { runLocalWorker } = await import('../local-workers/run-local-worker.ts')
    await runLocalWorker()
  },
})
