import { createRequire } from 'node:module'
import { dirname } from 'node:path'

const require = createRequire(import.meta.url)

/** The root folder of the npm package tfjs-node. */
export function tfjsNodeFolder(): string {
  return dirname(require.resolve('@tensorflow/tfjs-node/package.json'))
}

/** The folder of the npm package with the headers of Node-API. */
export function nodeApiHeadersFolder(): string {
  return dirname(require.resolve('node-api-headers/package.json'))
}
