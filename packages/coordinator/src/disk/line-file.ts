import { LockstepError } from '@lockstep/protocol'
import { writeError } from './atomic-file.ts'
import { type Disk, type DiskFile, systemDisk } from './disk.ts'

/** A file that grows by whole lines, also on a disk that fails at times: no line is torn, doubled or out of order. */
export type LineFile = {
  /** Keeps a line, without its end, to be written. One that is `lasting` is never given up. */
  readonly add: (line: string, lasting: boolean) => void
  /** Characters of what is kept. */
  readonly keptLength: () => number
  /**
   * Writes what is kept. When it throws, `disk-full` or `file-not-written`, what was written in part has been cut off or
   * will be, and the lines are kept for the next time. A file that has been removed begins again with its lasting lines.
   */
  readonly flush: () => Promise<void>
  /** The same, and lets the file outlast a loss of power. Does nothing where all lines do. */
  readonly settle: () => Promise<void>
}

export type LineFileOptions = {
  readonly path: string
  readonly disk?: Disk
  /** What is in it: so many bytes, all of whole lines, and which of these are lasting. */
  readonly content?: { readonly bytes: number; readonly lasting: readonly string[] }
  /** While it cannot be written, lines that are not lasting are kept up to so many characters: the oldest go first. */
  readonly keptAtMost?: number
  readonly onGivenUp?: (lines: number) => void
  /** Makes sure that the folder of the file is there. What these two throw is thrown. */
  readonly prepare?: () => Promise<void>
  /**
   * Throws where the file is not its writer's any more. It is asked when the file is open: whoever takes it over later puts
   * another one in its place, and what is written into this one then is seen by nobody.
   */
  readonly confirm?: () => Promise<void>
}

type Line = { readonly text: string; readonly lasting: boolean }

export function createLineFile(options: LineFileOptions): LineFile {
  const { path, disk = systemDisk, content = { bytes: 0, lasting: [] }, keptAtMost = 1 << 22 } = options
  const lasting = content.lasting.map(line => `${line}\n`)
  let kept: Line[] = []
  let keptLength = 0
  /** Up to where it is known to be whole, and whether there may be something behind. */
  let length = content.bytes
  let torn = false
  /** Up to where it is known to outlast a loss of power. */
  let settledLength = 0
  let writing: Promise<void> = Promise.resolve()

  function add(line: string, isLasting: boolean): void {
    kept.push({ text: `${line}\n`, lasting: isLasting })
    keptLength += line.length + 1
    if (keptLength > keptAtMost) giveUpSome()
  }

  /** As many that there is room again for half of what may be kept. */
  function giveUpSome(): void {
    const before = kept.length
    kept = kept.filter(line => {
      if (line.lasting || keptLength <= keptAtMost / 2) return true
      keptLength -= line.text.length
      return false
    })
    if (kept.length < before) options.onGivenUp?.(before - kept.length)
  }

  function flush(): Promise<void> {
    const written = writing.then(write)
    writing = written.catch(() => undefined)
    return written
  }

  async function write(): Promise<void> {
    const batch = kept
    kept = []
    try {
      await options.prepare?.()
      await mend()
      if (batch.length > 0) await append(batch.map(({ text }) => text).join(''))
    } catch (error) {
      kept = [...batch, ...kept]
      throw asLockstepError(error)
    }
    for (const line of batch) {
      keptLength -= line.text.length
      if (line.lasting) lasting.push(line.text)
    }
  }

  async function mend(): Promise<void> {
    if (length === 0 && !torn) return
    if ((await disk.kindOf(path)) === null) {
      length = 0
      settledLength = 0
      torn = false
      await append(lasting.join(''))
    }
    if (torn) await open(cutOff)
  }

  async function append(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text)
    await open(async file => {
      torn = true
      // Cut off also for those who read the file meanwhile. Where that fails, it is done before the next line.
      await file.write(bytes).catch(error => cutOff(file).then(throwing(error), throwing(error)))
      torn = false
    })
    length += bytes.length
  }

  async function cutOff(file: DiskFile): Promise<void> {
    await file.truncate(length)
    torn = false
  }

  async function open(act: (file: DiskFile) => Promise<void>): Promise<void> {
    const file = await disk.open(path, 'append')
    try {
      await options.confirm?.()
      await act(file)
    } finally {
      await file.close()
    }
  }

  function asLockstepError(error: unknown): LockstepError {
    return error instanceof LockstepError ? error : writeError(path, error)
  }

  async function settle(): Promise<void> {
    if (keptLength === 0 && settledLength === length) return
    await flush()
    const flushed = length
    if (flushed > 0) await open(file => file.sync()).catch(error => Promise.reject(asLockstepError(error)))
    settledLength = flushed
  }

  return { add, keptLength: () => keptLength, flush, settle }
}

function throwing(error: unknown): () => never {
  return () => {
    throw error
  }
}
