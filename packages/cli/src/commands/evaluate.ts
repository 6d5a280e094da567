import { availableParallelism } from 'node:os'
import { defineCommand } from 'citty'
import { readThreads } from '../flags/read-whole.ts'

export const evaluateCommand = defineCommand({
  meta: { name: 'evaluate', description: 'Test a trained model: loss, accuracy, figures per class, confusion matrix' },
  args: {
    run: { type: 'positional', required: true, valueHint: 'RUN', description: 'folder or name of a run, or latest' },
    'runs-dir': { type: 'string', default: 'runs', valueHint: 'DIR', description: 'folder of the runs' },
    'data-dir': { type: 'string', valueHint: 'DIR', description: 'folder with the CIFAR files' },
    threads: { type: 'string', valueHint: 'N', description: 'TensorFlow threads (default: all cores)' },
    offline: { type: 'boolean', description: 'never use the network' },
    json: { type: 'boolean', description: 'the report as one JSON object on standard output' },
  },
  run: async ({ args }) => {
    const { evaluateRun } = await import('../evaluate/evaluate-run.ts')
    await evaluateRun({
      reference: args.run,
      runsFolder: args['runs-dir'],
      dataDir: args['data-dir'] ?? null,
      threads: args.threads === undefined ? availableParallelism() : readThreads(args.threads),
      offline: args.offline === true,
      json: args.json === true,
    })
  },
})
