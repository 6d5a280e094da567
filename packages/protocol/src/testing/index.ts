export * from './example-run-config.ts'
export * from './happenings.ts'
export * from './web-socket-frame.ts'
export * from './web-socket-upgrade.ts'
