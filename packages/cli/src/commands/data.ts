import { runConfigSchema } from '@lockstep/protocol'
import { defineCommand } from 'citty'
import { limitsOf, readWhole } from '../flags/read-whole.ts'

const cifarNames = ['cifar10', 'cifar100'] as const

const fetchCommand = defineCommand({
  meta: {
    name: 'fetch',
    description: 'Download CIFAR-10 or CIFAR-100, check every file and every label, and keep it.',
  },
  args: {
    dataset: { type: 'enum', options: [...cifarNames], default: 'cifar10', description: 'which data set' },
    from: {
      type: 'string',
      valueHint: 'URL|FILE',
      description: 'take the .tar.gz of the binary version from here (default: its official address)',
    },
    'data-dir': {
      type: 'string',
      valueHint: 'DIR',
      description: 'folder to put it into (default: the cache, where train looks by itself)',
    },
  },
  run: async ({ args }) => {
    const { fetchData } = await import('../data/fetch.ts')
    await fetchData({ dataset: args.dataset, from: args.from, dataDir: args['data-dir'] }, process)
  },
})

const infoCommand = defineCommand({
  meta: { name: 'info', description: 'Describe a data set: classes, samples of each, location, SHA-256.' },
  args: {
    dataset: {
      type: 'enum',
      options: [...cifarNames, 'synthetic'],
      description: 'which data set (default: CIFAR-10 if available, else the embedded synthetic one)',
    },
    'data-dir': {
      type: 'string',
      valueHint: 'DIR',
      description: 'folder with the CIFAR files (default: LOCKSTEP_DATA_DIR, then the cache)',
    },
    sheet: { type: 'string', valueHint: 'FILE.png', description: 'draw samples of every class into this file' },
    augment: {
      type: 'boolean',
      description: 'draw into it what training with --augment makes of one image of every class',
    },
  },
  run: async ({ args }) => {
    const { showDataSet } = await import('../data/show.ts')
    const { dataset, sheet, augment = false } = args
    await showDataSet({ dataset, dataDir: args['data-dir'], sheet, augment }, process)
  },
})

const synthesizeCommand = defineCommand({
  meta: {
    name: 'synthesize',
    description: 'Write synthetic images as CIFAR files: ten shapes as CIFAR-10, in ten colours each as CIFAR-100.',
  },
  args: {
    format: { type: 'enum', options: [...cifarNames], default: 'cifar10', description: 'whose files to write' },
    out: { type: 'string', required: true, valueHint: 'DIR', description: 'folder to write to; use it as --data-dir' },
    seed: { type: 'string', default: '1', valueHint: 'N', description: 'seed of the images, 0 to 4294967295' },
  },
  run: async ({ args }) => {
    const { synthesizeData } = await import('../data/synthesize.ts')
    const seed = readWhole('--seed', args.seed, limitsOf(runConfigSchema.shape.seed))
    await synthesizeData({ format: args.format, out: args.out, seed }, process)
  },
})

export const dataCommand = defineCommand({
  meta: { name: 'data', description: 'Get a data set, describe it, or write a synthetic one.' },
  subCommands: { fetch: fetchCommand, info: infoCommand, synthesize: synthesizeCommand },
})
