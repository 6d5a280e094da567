export * from './checkpoint.ts'
export { createCheckpointCopier } from './copy.ts'
export { decodeCheckpoint } from './decode.ts'
export { encodeCheckpoint, encodeCheckpointInParts } from './encode.ts'
