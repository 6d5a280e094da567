import { defineCommand } from 'citty'
import { coordinatorDefaults, launchOptionsSchema } from '../flags/launch-options.ts'
import { readSettings } from '../flags/read-settings.ts'
import { flagsOf } from '../flags/schema-flags.ts'
import { tokenNeeded } from '../train/token-needed.ts'
import { conductTraining, places, runFlags } from './train.ts'

const { workers: _, ...shape } = launchOptionsSchema.shape

export const coordinatorCommand = defineCommand({
  meta: { name: 'coordinator', description: 'Train with workers that connect from other machines.' },
  args: {
    ...runFlags,
    ...flagsOf(shape, { ...coordinatorDefaults, ...places, minWorkers: 1 }),
    'token-file': { type: 'string', valueHint: 'FILE', description: `${shape.tokenFile.description} (needed)` },
  },
  run: async ({ args }) => {
    const settings = await readSettings(args, coordinatorDefaults)
    // Workers are started separately, and a random token would keep them all out.
    if (settings.launch.tokenFile === null) throw tokenNeeded('`coordinator`')
    const resume = args.resume === undefined ? null : String(args.resume)
    return conductTraining({ settings, resume, hasLocalWorkers: false })
  },
})
