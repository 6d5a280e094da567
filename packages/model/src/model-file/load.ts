import { readFile } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { hasSystemCode, LockstepError } from '@lockstep/protocol'
import { tf } from '../tfjs.ts'

/** The argument of a model file's function. */
export type ModelFileOptions = {
  /** The tfjs of lockstep, which a file may also import as `@tensorflow/tfjs`. */
  readonly tf: typeof tf
  /** Number of outputs of the final softmax. */
  readonly classes: number
  /** The run's seed, for initializers and anything else that is random. */
  readonly seed: number
  /** Height, width and channels of an image, whose pixels are 0..255. */
  readonly inputShape: [number, number, number]
}

export type ModelFunction = (options: ModelFileOptions) => unknown

/** Imports that resolve to lockstep's tfjs: a second instance in the process would not recognize its layers. */
const tfjsNames = ['@tensorflow/tfjs', '@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', '@tensorflow/tfjs-node']

/**
 * Loads a TypeScript or JavaScript module, without caching it, and returns its default export or the one named `build`.
 *
 * @throws LockstepError `model-file-missing`, `model-file-broken` when it does not load, `model-file-export`.
 */
export async function loadModelFunction(path: string): Promise<ModelFunction> {
  const source = await readSource(path)
  const { createJiti } = await import('jiti')
  const jiti = createJiti(import.meta.url, {
    fsCache: false,
    moduleCache: false,
    interopDefault: false,
    virtualModules: Object.fromEntries(tfjsNames.map(name => [name, tf])),
    transformOptions: { retainLines: true },
  })
  let module: unknown
  try {
    // Synchronously, because asynchronously jiti would leave .mjs files to Node, which does not know the aliases.
    module = jiti.evalModule(source, {
      filename: resolve(path),
      ext: extname(path),
      async: false,
      forceTranspile: true,
    })
  } catch (cause) {
    throw broken(path, cause)
  }
  return pickFunction(path, module)
}

async function readSource(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const missing = hasSystemCode(cause, 'ENOENT', 'ENOTDIR')
    throw new LockstepError('model-file-missing', `--model: ${path} ${missing ? 'is not there' : 'cannot be read'}`, {
      kind: 'usage',
      ...(missing ? {} : { received: describeThrown(path, cause) }),
      cause,
    })
  }
}

function pickFunction(path: string, module: unknown): ModelFunction {
  const { default: main, build } = module as { readonly default?: unknown; readonly build?: unknown }
  const found = [main, build, module].find(candidate => typeof candidate === 'function')
  if (found !== undefined) return found as ModelFunction
  const exported = Object.keys(module as object)
  throw new LockstepError('model-file-export', `--model: ${basename(path)} exports no function that builds a model`, {
    kind: 'usage',
    expected: 'a function as default export or under the name build',
    received: exported.length === 0 ? 'no exports' : exported.join(', '),
  })
}

function broken(path: string, cause: unknown): LockstepError {
  return new LockstepError('model-file-broken', `--model: ${basename(path)} cannot be loaded`, {
    kind: 'usage',
    received: describeThrown(path, cause),
    cause,
  })
}

/** Describes a thrown value in one line, with its location in the file if known. */
export function describeThrown(path: string, thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const place = thrown.stack?.split('\n').find(line => line.includes(`${basename(path)}:`) && /^\s+at /.test(line))
  const at = place === undefined ? '' : ` (${basename(path)}${/(:\d+)(:\d+)\)?$/.exec(place)?.[1] ?? ''})`
  return `${thrown.message.replace(/\s+/g, ' ').trim()}${at}`
}
