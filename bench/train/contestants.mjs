// The contestants of `pnpm bench train`.
import { kerasPython, torchPython } from '../support/python.mjs'
import { runBaseline } from './baseline-run.mjs'
import { measureCeiling } from './ceiling.mjs'
import { runLockstep } from './lockstep-run.mjs'

export const precisions = ['float32', 'bfloat16']

/**
 * `run` resolves to { speeds, losses, version? }: the images per second and the losses of the measured parts, in order.
 * `missing` says why a contestant is not available here. Contestants with fewer workers get fewer samples, and so as
 * many steps as the others.
 */
export function listContestants(settings) {
  const { batch } = settings
  return [
    ...both(precision => lockstep('lockstep', '2 workers × 1 thread', settings, { precision, workers: 2, batch })),
    lockstep('lockstep-compressed', '2 workers × 1 thread, --compress bfloat16', settings, {
      precision: 'bfloat16',
      workers: 2,
      batch,
      flags: ['--compress', 'bfloat16'],
    }),
    ...both(precision => single(settings, precision)),
    ...both(precision => ceiling(settings, precision)),
    ...both(precision => keras('keras', 'Keras fit, 2 threads', settings, precision, 1)),
    ...both(precision =>
      keras('keras-tuned', 'Keras fit, 2 threads, 10 steps an execution, oneDNN', settings, precision, 10),
    ),
    ...both(precision => torch('pytorch', 'PyTorch, 2 threads', settings, precision, [1, 2])),
    ...both(precision => torch('ddp', 'PyTorch DDP over gloo, 2 × 1 thread', settings, precision, [2, 1])),
    tfjs(settings),
  ]
}

function both(make) {
  return precisions.map(make)
}

function lockstep(name, title, settings, { precision, workers, batch, samples = settings.samples, flags = [] }) {
  const run = repeat => runLockstep({ ...settings, repeat, name, precision, workers, batch, samples, flags })
  return { name, title: `lockstep, ${title}`, precision, run }
}

function single(settings, precision) {
  const half = { batch: settings.batch / 2, samples: settings.samples / 2 }
  return lockstep('lockstep-1', `1 worker × 1 thread, batch ${half.batch}`, settings, {
    precision,
    workers: 1,
    ...half,
  })
}

function ceiling(settings, precision) {
  const title = 'two workers without communication'
  return { name: 'ceiling', title, precision, run: () => measureCeiling({ ...settings, precision }) }
}

function keras(name, title, settings, precision, stepsPerExecution) {
  const values = [precision, 2, stepsPerExecution]
  // As in lockstep: by default TensorFlow uses oneDNN only on some CPUs.
  const environment = name === 'keras-tuned' ? { TF_ENABLE_ONEDNN_OPTS: '1' } : {}
  return pythonContestant({
    name,
    title,
    precision,
    script: 'keras_fit.py',
    values,
    environment,
    settings,
    find: kerasPython,
  })
}

function torch(name, title, settings, precision, [processes, threads]) {
  const values = [precision, processes, threads]
  return pythonContestant({ name, title, precision, script: 'torch_fit.py', values, settings, find: torchPython })
}

function pythonContestant({ name, title, precision, script, values, environment, settings, find }) {
  const run = () => runBaseline(find(), script, settings, values, environment)
  const missing = () => (find() === null ? 'its Python packages cannot be installed here' : undefined)
  return { name, title, precision, run, missing }
}

function tfjs(settings) {
  const run = () => runBaseline(process.execPath, 'tfjs-fit.mjs', settings, [2])
  return { name: 'tfjs', title: 'tfjs-node fit, 2 threads', precision: 'float32', run }
}
