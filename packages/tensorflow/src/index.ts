export * from './load.ts'
export type { Finding, FindingState } from './machine/finding.ts'
export { inspectMachine, type MachineReport } from './machine/inspect-machine.ts'
export { type Backend, type Provisioned, type ProvisionOptions, provisionTensorFlow } from './provision.ts'
