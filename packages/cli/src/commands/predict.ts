import { defineCommand } from 'citty'
import { commonFlags, threadsOrAllCores } from '../flags/common-flags.ts'
import { readWhole } from '../flags/read-whole.ts'

export const predictCommand = defineCommand({
  meta: {
    name: 'predict',
    description: 'Classify image files with a trained model. The largest centred square is scaled to 32x32.',
  },
  args: {
    run: commonFlags.run,
    image: {
      type: 'positional',
      required: true,
      valueHint: 'IMAGE…',
      description: 'files in PNG, JPEG, WebP, GIF, TIFF, AVIF or SVG; - for standard input',
    },
    top: { type: 'string', default: '3', valueHint: 'K', description: 'show the K most probable classes' },
    weights: commonFlags.weights,
    'runs-dir': commonFlags['runs-dir'],
    threads: commonFlags.threads,
    offline: commonFlags.offline,
    json: { type: 'boolean', description: 'a JSON object for each image, a line each, on standard output' },
  },
  run: async ({ args }) => {
    const { predictImages } = await import('../predict/predict-images.ts')
    const options = {
      reference: args.run,
      images: args._.slice(1),
      runsFolder: args['runs-dir'],
      weights: args.weights,
      top: readWhole('--top', args.top, { least: 1, most: 9999 }),
      threads: threadsOrAllCores(args.threads),
      offline: args.offline === true,
      json: args.json === true,
    }
    await predictImages(options, process)
  },
})
