import { defineCommand } from 'citty'
import { commonFlags, threadsOrAllCores } from '../flags/common-flags.ts'

export const evaluateCommand = defineCommand({
  meta: { name: 'evaluate', description: 'Test a trained model: loss, accuracy, figures per class, confusion matrix.' },
  args: {
    run: commonFlags.run,
    weights: commonFlags.weights,
    'runs-dir': commonFlags['runs-dir'],
    'data-dir': commonFlags['data-dir'],
    threads: commonFlags.threads,
    offline: commonFlags.offline,
    json: { type: 'boolean', description: 'the report as one JSON object on standard output' },
  },
  run: async ({ args }) => {
    const { evaluateRun } = await import('../evaluate/evaluate-run.ts')
    await evaluateRun({
      reference: args.run,
      runsFolder: args['runs-dir'],
      weights: args.weights,
      dataDir: args['data-dir'] ?? null,
      threads: threadsOrAllCores(args.threads),
      offline: args.offline === true,
      json: args.json === true,
    })
  },
})
