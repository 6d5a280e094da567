import { defineCommand } from 'citty'
import { commonFlags } from '../flags/common-flags.ts'

export const runsCommand = defineCommand({
  meta: { name: 'runs', description: 'List the runs with their best figures, the latest last.' },
  args: {
    'runs-dir': commonFlags['runs-dir'],
    json: { type: 'boolean', description: 'JSON lines on standard output' },
  },
  run: async ({ args }) => {
    const { listRuns } = await import('../runs/list-runs.ts')
    await listRuns({ runsFolder: args['runs-dir'], asJson: args.json === true }, process)
  },
})
