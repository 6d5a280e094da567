export { createEngine } from './engine.ts'
export { runWorker, type WorkerEnd, type WorkerEvent, type WorkerOptions } from './run-worker.ts'
