import { basename, extname } from 'node:path'
import { z } from 'zod'

/** The architectures that are built in. */
export const presetNames = ['reference', 'vgg-bn', 'resnet20', 'mobilenet'] as const
export type PresetName = (typeof presetNames)[number]

/** The extensions that a user's model file may have. */
const modelFileExtensions = ['.ts', '.mts', '.js', '.mjs'] as const

export function isPreset(model: string): model is PresetName {
  return (presetNames as readonly string[]).includes(model)
}

/** A model's name for users: the preset, or the name of its file without folder and extension. */
export function modelTitle(model: string): string {
  return isPreset(model) ? model : basename(model, extname(model))
}

const modelSchema = z
  .string()
  .max(4096)
  .refine(
    model => isPreset(model) || (modelFileExtensions as readonly string[]).includes(extname(model)),
    `expected one of ${presetNames.join(', ')}, or a file whose name ends in ${modelFileExtensions.join(', ')}`,
  )

/**
 * The configuration of a run. Flags, the `--config` file, the checkpoint and the message to workers all come from this
 * one schema. Together with the data it determines the trained weights. Where a run listens, how many workers it has
 * and where it writes are not part of it.
 */
export const runConfigSchema = z.strictObject({
  dataset: z.enum(['cifar10', 'cifar100', 'synthetic']).describe('data set'),
  model: modelSchema.describe(`architecture: ${presetNames.join(', ')}, or a .ts or .js file that builds one`),
  epochs: z.int().min(1).max(1_000_000).describe('passes over the training set'),
  batchSize: z.int().min(1).max(1_000_000).describe('samples in a global batch, all workers together'),
  shards: z.int().min(1).max(65_536).describe('parts of each global batch; their number decides the weights'),
  seed: z.int().min(0).max(0xffffffff).describe('seed of initial weights, sample order, dropout and augmentation'),
  optimizer: z.enum(['adam', 'sgd']).describe('optimizer'),
  learningRate: z.number().positive().finite().describe('learning rate, the peak of the schedule'),
  momentum: z.number().min(0).lt(1).describe('momentum of sgd'),
  schedule: z.enum(['constant', 'step', 'cosine', 'one-cycle']).describe('learning rate schedule'),
  warmup: z.number().min(0).max(1_000_000).describe('epochs of linear warm-up of the learning rate'),
  weightDecay: z.number().min(0).finite().describe('decoupled weight decay on kernels (AdamW, SGDW)'),
  labelSmoothing: z.number().min(0).lt(1).describe('label smoothing, in the training loss only'),
  augment: z.boolean().describe('random crops, flips and cutouts of the training images'),
  validationSplit: z.number().min(0).lt(1).describe('fraction of the training set, from its end, for validation'),
  earlyStopping: z.int().min(0).describe('stop after N epochs without a lower validation loss; 0: never'),
  precision: z.enum(['float32', 'bfloat16']).describe('precision of convolutions and matrix products'),
  compress: z.enum(['none', 'bfloat16']).describe('compression of gradients on the wire'),
  engine: z.enum(['compiled', 'eager']).describe('gradient computation, as one TensorFlow graph or op by op'),
  threads: z.int().min(1).max(1024).describe('TensorFlow threads of each worker'),
  limitTrain: z.int().min(1).nullable().describe('use only the first N training samples'),
  limitTest: z.int().min(1).nullable().describe('use only the first N test samples'),
})

/** A saved configuration, possibly written by a version with fewer settings. */
export const savedRunConfigSchema = runConfigSchema.extend({ compress: runConfigSchema.shape.compress.default('none') })

export type RunConfig = z.infer<typeof runConfigSchema>
export type DataSetName = RunConfig['dataset']
