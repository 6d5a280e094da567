// `pnpm build`: installs and builds what is missing or changed.
import { makeReady, say } from './ready.mjs'

makeReady()
say('built')
