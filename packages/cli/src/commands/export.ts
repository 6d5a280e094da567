import { defineCommand } from 'citty'

export const exportCommand = defineCommand({
  meta: { name: 'export', description: 'Hand a trained model to other tools.' },
  args: {
    run: { type: 'positional', required: true, valueHint: 'RUN', description: 'folder or name of a run, or latest' },
    format: {
      type: 'enum',
      options: ['saved-model', 'tfjs', 'safetensors'],
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
    'runs-dir': { type: 'string', default: 'runs', valueHint: 'DIR', description: 'folder of the runs' },
    offline: { type: 'boolean', description: 'never use the network' },
  },
  run: async ({ args }) => {
    const { exportRun } = await import('../export/export-run.ts')
    const options = {
      reference: args.run,
      runsFolder: args['runs-dir'],
      format: args.format,
      out: args.out ?? null,
      force: args.force === true,
      offline: args.offline === true,
    }
    await exportRun(options, process)
  },
})
