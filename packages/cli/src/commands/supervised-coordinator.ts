import { defineCommand } from 'citty'

export const supervisedCoordinatorCommand = defineCommand({
  meta: { name: 'supervised-coordinator', description: 'The coordinator of `train --supervise`', hidden: true },
  run: async () => {
    const { runSupervisedCoordinator } = await import('../supervise/supervised-coordinator.ts')
    return runSupervisedCoordinator()
  },
})
