// Preloaded into each thread of a run: records garbage collection and memory twice a second.
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { PerformanceObserver } from 'node:perf_hooks'
import { isMainThread, threadId } from 'node:worker_threads'

if (isMainThread && process.argv.includes('local-worker')) process.env.LOCKSTEP_WATCH_ROLE = 'worker'
const role = process.env.LOCKSTEP_WATCH_ROLE ?? 'coordinator'
const thread = isMainThread ? 'main' : 'computing'
const file = join(process.env.LOCKSTEP_WATCH, `${role}-${process.pid}-${thread}-${threadId}.jsonl`)
let gcMs = 0

new PerformanceObserver(list => {
  for (const { duration } of list.getEntries()) gcMs += duration
}).observe({ entryTypes: ['gc'] })
setInterval(sample, 500).unref()

function sample() {
  const { heapUsed, external } = process.memoryUsage()
  appendFileSync(file, `${JSON.stringify({ atMs: performance.now(), gcMs, heapUsed, external })}\n`)
}
