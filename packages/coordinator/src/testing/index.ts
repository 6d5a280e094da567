export { plainOptions } from './plain-options.ts'
export { tryOutDisk } from './try-out-disk.ts'
