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
    return { speeds: [await ceiling.measureAlone((samples / batch) * epochs)], losses: [] }
  } finally {
    await ceiling.end()
  }
}

/**
 * Both processes, compiled and warm. Each function takes a number of steps and gives images per second: `measureAlone` of
 * steps that each takes for itself, `measureInStep` of steps that both begin together, when both have done the one
 * before. What it takes to tell them so is left out.
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

  async function measureAlone(steps) {
    const startedAtMs = performance.now()
    await together(workers, { do: 'steps', count: steps })
    return (1000 * batch * steps) / (performance.now() - startedAtMs)
  }

  async function measureInStep(steps) {
    let elapsedMs = 0
    for (let step = 0; step < steps; step++) {
      const replies = await together(workers, { do: 'steps', count: 1 })
      elapsedMs += Math.max(...replies.map(({ stepMs }) => stepMs[0]))
    }
    return (1000 * batch * steps) / elapsedMs
  }

  return { measureAlone, measureInStep, end }
}

function together(workers, request) {
  return Promise.all(workers.map(({ ask }) => ask(request)))
}

/** The first compiles, the others find it compiled. */
async function prepareInTurn(workers, settings) {
  const { name, classes, parameters } = describeModel('reference')
  for (const { ask } of workers) await ask({ do: 'prepare', model: name, classes, parameters, ...settings })
}
