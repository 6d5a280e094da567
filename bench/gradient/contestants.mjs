// The contestants of `pnpm bench gradient`.
import { fileURLToPath } from 'node:url'
import { kerasPython, torchPython } from '../support/python.mjs'

const here = path => fileURLToPath(new URL(path, import.meta.url))
const lockstep = (id, title, ...args) => ({
  id,
  title,
  command: threads => [process.execPath, here('lockstep-steps.mjs'), ...args, String(threads)],
})
const keras = { id: 'keras', title: 'Keras', command: threads => python(kerasPython(), 'keras_steps.py', threads) }
const torch = (id, title, ...args) => ({
  id,
  title,
  command: threads => python(torchPython(), 'torch_steps.py', threads, ...args),
})

/** `command` returns the command line for a number of threads, or null if the contestant is not available. */
export const contestants = [
  lockstep('eager', 'eager', 'eager', 'float32'),
  lockstep('compiled', 'compiled', 'compiled', 'float32'),
  lockstep('compiled-bfloat16', 'compiled bfloat16', 'compiled', 'bfloat16'),
  keras,
  torch('pytorch', 'PyTorch', 'float32', 'channels_last'),
  torch('pytorch-bfloat16', 'PyTorch bfloat16', 'bfloat16', 'channels_last'),
  torch('pytorch-default-layout', 'PyTorch NCHW', 'float32', 'default'),
]

function python(interpreter, script, threads, ...args) {
  return interpreter && [interpreter, here(`../baselines/gradient/${script}`), String(threads), ...args]
}
