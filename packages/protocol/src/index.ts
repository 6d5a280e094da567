export * from './error.ts'
export * from './progress.ts'
export * from './run-config.ts'
export * from './user-cache.ts'
