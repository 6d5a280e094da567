export { runFiles } from '@lockstep/coordinator'
export { findRun, listRunFolders } from './find-run.ts'
export { type RunHeader, readRun, readRunHeader, readSummary } from './read-run.ts'
export type { RecordedConfig, RunRecord, RunState } from './run-record.ts'
