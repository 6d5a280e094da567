export { tryOutDisk } from './try-out-disk.ts'
