// `pnpm build`: installs and builds everything that is missing or has changed.
import { makeReady, say } from './ready.mjs'

makeReady()
say('built')
