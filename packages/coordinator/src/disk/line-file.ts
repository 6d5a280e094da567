import { LockstepError } from '@lockstep/protocol'
import { writeError } from './atomic-file.ts'
import { type Disk, type DiskFile, systemDisk } from './disk.ts'

/**
 * A file that grows by whole lines, also on a disk that fails at times: no line is torn, duplicated or out of order.
 */
export type LineFile = {
  /** Queues a line, without its line end. A `lasting` line is never discarded. */
  readonly add: (line: string, lasting: boolean) => void
  /** Characters queued. */
  readonly keptLength: () => number
  /**
   * Writes the queued lines. Throws `disk-full` or `file-not-written`; then a partly written line has been or will be
   * cut off, and the lines stay queued. A file that has been removed is created again, beginning with its lasting
   * lines.
   */
  readonly flush: () => Promise<void>
  /** Flushes, and syncs the file so that it survives a loss of power. Does nothing where all lines already do. */
  readonly settle: () => Promise<void>
}

export type LineFileOptions = {
  readonly path: string
  readonly disk?: Disk
  /** What the file contains: its length in bytes, all whole lines, and its lasting lines. */
  readonly content?: { readonly bytes: number; readonly lasting: readonly string[] }
  /**
   * While the file cannot be written, lines that are not lasting queue up to this many characters; beyond that the
   * oldest are discarded.
   */
  readonly keptAtMost?: number
  readonly onGivenUp?: (lines: number) => void
  /** Makes sure that the file's folder exists. Errors of `prepare` and `confirm` are passed on. */
  readonly prepare?: () => Promise<void>
  /**
   * Throws where this process no longer owns the file. Called after the file is opened: a later owner replaces the file
   * by another one, so what is written into this one afterwards is seen by nobody.
   */
  readonly confirm?: () => Promise<void>
}

type Line = { readonly text: string; readonly lasting: boolean }

export function createLineFile(options: LineFileOptions): LineFile {
  const { path, disk = systemDisk, content = { bytes: 0, lasting: [] }, keptAtMost = 1 << 22 } = options
  const lasting = content.lasting.map(line => `${line}\n`)
  let kept: Line[] = []
  let keptLength = 0
  /** The length up to which the file is known to be whole, and whether something torn may follow. */
  let length = content.bytes
  let torn = false
  /** The length up to which the file is known to survive a loss of power. */
  let settledLength = 0
  let writing: Promise<void> = Promise.resolve()

  function add(line: string, isLasting: boolean): void {
    kept.push({ text: `${line}\n`, lasting: isLasting })
    keptLength += line.length + 1
    if (keptLength > keptAtMost) giveUpSome()
  }

  /** Discards the oldest lines until half of the limit is free. */
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
      // Cut off at once, for processes that read the file meanwhile. Where that fails, `mend` does it before the next
      // line.
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
