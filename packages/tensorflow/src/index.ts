export * from './load.ts'
export * from './provision.ts'
