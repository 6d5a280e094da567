import { defineCommand } from 'citty'
import { exportFormats } from '../export/format-names.ts'
import { commonFlags } from '../flags/common-flags.ts'

export const exportCommand = defineCommand({
  meta: { name: 'export', description: 'Hand a trained model to other tools.' },
  args: {
    run: commonFlags.run,
    format: {
      type: 'enum',
      options: [...exportFormats],
      required: true,
      description:
        'SavedModel of TensorFlow (a folder), LayersModel of TensorFlow.js (a folder), or weights in one file',
    },
    out: {
      type: 'string',
      valueHint: 'DIR|FILE',
      description: 'where to write (default: export/ in the run folder)',
    },
    force: { type: 'boolean', description: 'overwrite files that are there' },
    weights: commonFlags.weights,
    'runs-dir': commonFlags['runs-dir'],
    offline: commonFlags.offline,
  },
  run: async ({ args }) => {
    const { exportRun } = await import('../export/export-run.ts')
    const options = {
      reference: args.run,
      runsFolder: args['runs-dir'],
      weights: args.weights,
      format: args.format,
      out: args.out ?? null,
      force: args.force === true,
      offline: args.offline === true,
    }
    await exportRun(options, process)
  },
})
