export * from './compile/index.ts'
export * from './load.ts'
export * from './provision.ts'
