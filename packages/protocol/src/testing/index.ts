export * from './example-run-config.ts'
export * from './happenings.ts'
