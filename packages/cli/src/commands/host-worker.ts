import { defineCommand } from 'citty'

export const hostWorkerCommand = defineCommand({
  meta: { name: 'host-worker', description: 'A process of `worker --workers N`', hidden: true },
  run: async () => {
    const { runHostWorker } = await import('../worker/run-host-worker.ts')
    return runHostWorker()
  },
})
