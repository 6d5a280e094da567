// A small disk in memory for the run folder, which can be filled. Needs root.
import { execFileSync } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const megabytes = 96

export function createDisk(folder) {
  mkdirSync(folder)
  run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'lockstep-bench-chaos', folder])
  const filler = join(folder, 'filler')
  const changes = new EventEmitter()
  let fullUntilMs = Number.NEGATIVE_INFINITY
  let isFull = false

  return {
    folder,
    /** Fills the disk completely. Returns the number of bytes written. */
    fill: () => {
      isFull = true
      return writeUntilFull(filler)
    },
    free: () => {
      rmSync(filler, { force: true })
      isFull = false
      fullUntilMs = performance.now()
      changes.emit('room')
    },
    /** Resolves once there is space. */
    hasRoom: async () => {
      if (isFull) await once(changes, 'room')
    },
    /** Whether it is full, or was full less than 5 s ago. */
    wasFull: () => isFull || performance.now() - fullUntilMs < 5_000,
    remove: () => run('umount', [folder]),
  }
}

/** Writes smaller and smaller pieces, down to the kernel's page size. */
function writeUntilFull(file) {
  const descriptor = openSync(file, 'w')
  let written = 0
  for (let size = 1 << 20; size >= 512; size /= 2) {
    const piece = Buffer.alloc(size)
    for (let there = tryWrite(descriptor, piece); there > 0; there = tryWrite(descriptor, piece)) written += there
  }
  closeSync(descriptor)
  return written
}

function tryWrite(descriptor, piece) {
  try {
    return writeSync(descriptor, piece)
  } catch (error) {
    if (error.code === 'ENOSPC') return 0
    throw error
  }
}

function run(command, args) {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
