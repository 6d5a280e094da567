// The speed of two workers without communication: gradients of half batches in two processes at the same time, without
// an optimizer and without waiting for data.
import { fileURLToPath } from 'node:url'
import { startProcess } from '../gradient/contestant-process.mjs'
import { describeModel } from '../gradient/models.mjs'

const script = fileURLToPath(new URL('../gradient/lockstep-steps.mjs', import.meta.url))
const warmUpSteps = 20
const processes = 2

/** The images per second of both processes together, from when both begin until the later one is done. */
export async function measureCeiling({ samples, epochs, batch, ...settings }) {
  const ceiling = await startCeiling({ batch, ...settings })
  try {
    return { speeds: [await ceiling.measureAlone((samples / batch) * epochs)], losses: [] }
  } finally {
    await ceiling.end()
  }
}

/**
 * Starts both processes, compiled and warmed up. Each function takes a number of steps and returns images per second.
 * In `measureAlone` each process takes its steps independently. In `measureInStep` both begin each step together, after
 * both have finished the previous one; the time for the messages between them is left out.
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

/** Prepares one after the other: the first one compiles, the others find the compiled graph. */
async function prepareInTurn(workers, settings) {
  const { name, classes, parameters } = describeModel('reference')
  for (const { ask } of workers) await ask({ do: 'prepare', model: name, classes, parameters, ...settings })
}
