// Reads what the threads of a run have recorded about themselves.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Leaves out the first part of a run, in which TensorFlow is loaded and graphs are compiled. */
const early = [0.2, 0.4]
const late = [0.8, 1]
const fewestSamples = 10

/**
 * For each thread: the share of its time in garbage collection, and its least heap and external memory, early and late.
 */
export function readThreads(folder) {
  const files = readdirSync(folder).sort()
  const threads = files.map(file => ({ file, samples: readLines(join(folder, file)) }))
  const names = nameThreads(files)
  return threads
    .filter(({ samples }) => samples.length >= fewestSamples)
    .map(({ file, samples }) => ({ name: names.get(file), ...describeThread(samples) }))
}

function describeThread(samples) {
  const [first, last] = [part(samples, early)[0], samples.at(-1)]
  const least = (range, field) => Math.min(...part(samples, range).map(sample => sample[field]))
  return {
    gcShare: (last.gcMs - first.gcMs) / (last.atMs - first.atMs),
    heap: { early: least(early, 'heapUsed'), late: least(late, 'heapUsed') },
    external: { early: least(early, 'external'), late: least(late, 'external') },
  }
}

/** Names threads `coordinator`, `worker 1`, `worker 1, computing`, with workers in the order of their process ids. */
function nameThreads(files) {
  const parts = new Map(files.map(file => [file, file.split('-')]))
  const workers = [...new Set([...parts.values()].filter(([role]) => role === 'worker').map(([, id]) => id))]
  workers.sort((a, b) => a - b)
  return new Map(
    [...parts].map(([file, [role, id, thread]]) => {
      const title = role === 'worker' ? `worker ${workers.indexOf(id) + 1}` : role
      return [file, thread === 'main' ? title : `${title}, ${thread}`]
    }),
  )
}

function readLines(file) {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
}

function part(samples, [from, to]) {
  return samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to))
}
