// What two workers could make if nothing had to be exchanged: gradients of half batches, at the same time, in two
// processes; no optimizer, no data to wait for.
import { fileURLToPath } from 'node:url'
import { startProcess } from '../gradient/contestant-process.mjs'
import { describeModel } from '../gradient/models.mjs'

const script = fileURLToPath(new URL('../gradient/lockstep-steps.mjs', import.meta.url))
const warmUpSteps = 20
const processes = 2

/** The images per second of both together, from when both begin until the later one is done. */
export async function measureCeiling({ folder, precision, batch, samples, epochs }) {
  const command = [process.execPath, script, 'compiled', precision]
  const workers = Array.from({ length: processes }, () => startProcess(command, 1, []))
  try {
    await together(workers, { do: 'hello' })
    await prepareInTurn(workers, { batch: batch / processes, cacheFolder: folder })
    await together(workers, { do: 'steps', count: warmUpSteps })
    const startedAtMs = performance.now()
    await together(workers, { do: 'steps', count: (samples / batch) * epochs })
    return { speeds: [(1000 * samples * epochs) / (performance.now() - startedAtMs)], losses: [] }
  } finally {
    await Promise.all(workers.map(({ end }) => end()))
  }
}

function together(workers, request) {
  return Promise.all(workers.map(({ ask }) => ask(request)))
}

/** The first compiles, the others find it compiled. */
async function prepareInTurn(workers, settings) {
  const { name, classes, parameters } = describeModel('reference')
  for (const { ask } of workers) await ask({ do: 'prepare', model: name, classes, parameters, ...settings })
}
