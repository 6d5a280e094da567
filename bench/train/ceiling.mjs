// What two workers could make if nothing had to be exchanged: gradients of half batches, at the same time, in two
// processes; no optimizer, no data to wait for.
import { fileURLToPath } from 'node:url'
import { startProcess } from '../gradient/contestant-process.mjs'
import { describeModel } from '../gradient/models.mjs'

const script = fileURLToPath(new URL('../gradient/lockstep-steps.mjs', import.meta.url))
const warmUpSteps = 20
const processes = 2

/** The images per second of both together, from when both begin until the later one is done. */
export async function measureCeiling({ samples, epochs, batch, ...settings }) {
  const ceiling = await startCeiling({ batch, ...settings })
  try {
    return { speeds: [(await ceiling.measure((samples / batch) * epochs)).alone], losses: [] }
  } finally {
    await ceiling.end()
  }
}

/**
 * Both processes, compiled and warm. `measure` takes a number of steps and gives images per second: `alone` as they were,
 * and `inStep` as if each step had begun when both had done the one before.
 */
export async function startCeiling({ folder, precision, batch }) {
  const command = [process.execPath, script, 'compiled', precision, '1']
  const workers = Array.from({ length: processes }, () => startProcess(command, 1, []))
  const end = () => Promise.all(workers.map(worker => worker.end()))
  try {
    await together(workers, { do: 'hello' })
    await prepareInTurn(workers, { batch: batch / processes, cacheFolder: folder })
    await together(workers, { do: 'steps', count: warmUpSteps })
  } catch (error) {
    await end()
    throw error
  }

  async function measure(steps) {
    const startedAtMs = performance.now()
    const [first, second] = await together(workers, { do: 'steps', count: steps })
    const aloneMs = performance.now() - startedAtMs
    const inStepMs = first.stepMs.reduce((sum, ms, step) => sum + Math.max(ms, second.stepMs[step]), 0)
    return { alone: (1000 * batch * steps) / aloneMs, inStep: (1000 * batch * steps) / inStepMs }
  }

  return { measure, end }
}

function together(workers, request) {
  return Promise.all(workers.map(({ ask }) => ask(request)))
}

/** The first compiles, the others find it compiled. */
async function prepareInTurn(workers, settings) {
  const { name, classes, parameters } = describeModel('reference')
  for (const { ask } of workers) await ask({ do: 'prepare', model: name, classes, parameters, ...settings })
}
