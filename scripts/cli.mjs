// `pnpm cli …`: makes the checkout ready, then runs the command line in this process.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { makeReady, root } from './ready.mjs'

makeReady()
await import(pathToFileURL(join(root, 'packages/cli/dist/main.js')).href)
