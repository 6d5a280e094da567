import { defineCommand } from 'citty'

export const doctorCommand = defineCommand({
  meta: { name: 'doctor', description: 'Show what this machine has for training, what is missing and how to get it.' },
  args: {
    json: { type: 'boolean', description: 'JSON on standard output' },
  },
  run: async ({ args }) => {
    const { examine } = await import('../doctor/examine.ts')
    await examine({ environment: process.env, asJson: args.json === true }, process.stdout)
  },
})
