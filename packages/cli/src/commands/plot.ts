import { defineCommand } from 'citty'
import { commonFlags } from '../flags/common-flags.ts'

export const plotCommand = defineCommand({
  meta: { name: 'plot', description: 'Draw the curves of a run, or of several in one picture.' },
  args: {
    run: {
      type: 'positional',
      required: true,
      valueHint: 'RUN…',
      description: 'folder of a run, its name (or the beginning of it), or latest',
    },
    out: {
      type: 'string',
      valueHint: 'DIR',
      description: 'folder to write to (default: plots in the run folder; for several runs, a new one beside them)',
    },
    'runs-dir': commonFlags['runs-dir'],
  },
  run: async ({ args }) => {
    const { plotRuns } = await import('../plots/plot-runs.ts')
    await plotRuns(args._, { runsFolder: args['runs-dir'], outFolder: args.out }, process)
  },
})
