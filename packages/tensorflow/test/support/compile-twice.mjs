// node compile-twice.mjs CACHE [die|kept]: compiles y = 2x with a cache in CACHE and prints y for x = 1, 2.
// die: ends as by `kill -9` after the file is written and before the entry gets its name.
// kept: fails if the function is not in the cache.
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

const [cacheFolder, mode] = process.argv.slice(2)
if (mode === 'die') {
  fs.rename = () => process.kill(process.pid, 'SIGKILL')
  syncBuiltinESMExports()
}
const tf = await import('@tensorflow/tfjs')
const { compileFunction, loadTensorFlow, provisionTensorFlow } = await import('../../dist/index.js')

const ignore = () => {}
const options = { environment: process.env, offline: false, onProgress: ignore, onNotice: ignore }
await loadTensorFlow(await provisionTensorFlow(options))

const { run } = await compileFunction({
  trace: ([x]) => {
    if (mode === 'kept') throw new Error('the function is compiled anew')
    return [tf.mul(x, 2)]
  },
  inputs: [{ name: 'x', shape: [2], dtype: 'float32' }],
  precision: 'float32',
  identity: 'twice',
  sources: [],
  cacheFolder,
})
process.stdout.write(String(run([Float32Array.of(1, 2)])[0]))
