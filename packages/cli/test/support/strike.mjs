// Loaded into a `train` process by `strikeAt` (cli.ts): as soon as the output of the process matches, it sends a signal
// to itself or its workers, however slow the test is.
import { readFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

const { at, signal, whom } = JSON.parse(process.env.LOCKSTEP_TEST_STRIKE)

if (isMainThread && process.argv[2] === 'train') {
  const write = process.stdout.write
  process.stdout.write = function (text, ...rest) {
    const result = write.call(this, text, ...rest)
    if (new RegExp(at).test(text)) {
      process.stdout.write = write
      for (const id of targets()) process.kill(id, signal)
    }
    return result
  }
}

function targets() {
  if (whom === 'itself') return [process.pid]
  const workers = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').match(/\d+/g).map(Number)
  return whom === 'a worker' ? workers.slice(0, 1) : workers
}
