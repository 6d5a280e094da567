import { LockstepError } from '@lockstep/protocol'
import { defineCommand } from 'citty'
import { launchDefaults, launchOptionsSchema } from '../flags/launch-options.ts'
import { readSettings } from '../flags/read-settings.ts'
import { flagsOf } from '../flags/schema-flags.ts'
import { runFlags } from './train.ts'

const { workers: _, ...shape } = launchOptionsSchema.shape

export const coordinatorCommand = defineCommand({
  meta: { name: 'coordinator', description: 'Train with workers that connect from other machines' },
  args: { ...runFlags, ...flagsOf(shape, { ...launchDefaults, minWorkers: 1, listen: '127.0.0.1:7999' }) },
  run: async ({ args }) => {
    const { runTraining } = await import('../train/run-training.ts')
    const settings = await readSettings({ ...args, listen: args.listen ?? '127.0.0.1:7999' })
    if (settings.launch.tokenFile === null) throw noToken()
    const resume = args.resume === undefined ? null : String(args.resume)
    return runTraining({ settings, resume, localWorkers: 0, minWorkers: settings.launch.minWorkers ?? 1 })
  },
})

/** Its workers are started elsewhere: a random token would keep them all out. */
function noToken(): LockstepError {
  return new LockstepError('token-needed', '`coordinator` needs --token-file', {
    kind: 'usage',
    hint: 'Make one with `openssl rand -hex 32 > token` and give it to the workers too.',
  })
}
