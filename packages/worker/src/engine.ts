import { join } from 'node:path'
import {
  type buildModel,
  createCompiledEngine,
  createEagerEngine,
  type GradientEngine,
  type ParameterLayout,
} from '@lockstep/model'
import { LockstepError, type RunConfig, userCacheFolder } from '@lockstep/protocol'
import { type Backend, compileFunction } from '@lockstep/tensorflow'

/**
 * Creates the engine that a run asks for. Only TensorFlow runs compiled graphs. Elsewhere the model runs op by op,
 * which gives the same gradients except for rounding. Throws LockstepError `precision-backend` where the precision is
 * unavailable.
 */
export function createEngine(
  model: ReturnType<typeof buildModel>,
  layout: ParameterLayout,
  { engine, precision, augment, labelSmoothing }: RunConfig,
  backend: Backend,
): GradientEngine {
  const training = { augment, labelSmoothing }
  if (engine === 'compiled' && backend === 'tensorflow') {
    const cacheFolder = join(userCacheFolder(process.env), 'compiled')
    return createCompiledEngine(model, layout, { compile: compileFunction, precision, training, cacheFolder })
  }
  if (precision === 'float32') return createEagerEngine(model, layout, training)
  throw new LockstepError('precision-backend', `this worker cannot compute in ${precision}`, {
    expected: 'native TensorFlow and the compiled engine',
    received: `${backend}, ${engine}`,
    hint: 'Run `pnpm cli doctor` on its machine, or start the run with --precision float32.',
  })
}
