import type { RunSummary } from '@lockstep/coordinator'
import { describeInLine } from '@lockstep/protocol'
import type { Provisioned } from '@lockstep/tensorflow'
import type { LocalWorkers } from '../local-workers/local-workers.ts'
import { startRunWorkers } from '../local-workers/start-run-workers.ts'
import { type ErrorRecord, errorOf, recordError } from '../processes/error-record.ts'
import { addLog } from '../train/log-reporter.ts'
import { createReporters, type Outputs, type Reporters } from '../train/reporters.ts'
import { type CoordinatorProcess, forkCoordinator } from './coordinator-process.ts'
import { type Beginning, type CoordinatorOrder, type FromCoordinator, mayPass, type ToCoordinator } from './messages.ts'

/** How a coordinator ended. */
export type LifeEnd =
  | { readonly type: 'finished'; readonly summary: RunSummary }
  | { readonly type: 'failed'; readonly error: ErrorRecord }
  /** `said`: the last line it wrote that looks like an error, or empty. */
  | { readonly type: 'crashed'; readonly ending: string; readonly said: string }

/** The state of a run that outlives its coordinators: its local workers, and the reporters that show it. */
export type Supervision = {
  /** Runs a coordinator until it ends. Calls `onProgress` at each checkpoint of a later step than all before. */
  readonly runLife: (order: CoordinatorOrder, onProgress: () => void) => Promise<LifeEnd>
  /** Sends a message to the current coordinator, if any. */
  readonly tell: (message: ToCoordinator) => void
  readonly note: (text: string) => void
  /** The run's folder, once a coordinator has reported it. */
  readonly folder: () => string | null
  /** The port at which the first coordinator listened; null before that. */
  readonly port: () => number | null
  /** The backend that the first coordinator reported; null before that, or without local workers. */
  readonly provisioned: () => Provisioned | null
  readonly dismissWorkers: (graceMs: number) => Promise<void>
  readonly killCoordinator: () => void
  /** Removes the progress bar from the terminal. */
  readonly close: () => Promise<void>
}

export function createSupervision({
  outputs,
  token,
  stop,
}: {
  readonly outputs: Outputs
  readonly token: string
  /** After it is aborted, no worker is restarted. */
  readonly stop: AbortSignal
}): Supervision {
  let folder: string | null = null
  let port: number | null = null
  let provisioned: Provisioned | null = null
  let reporter: Reporters | null = null
  let workers: LocalWorkers | null = null
  let current: CoordinatorProcess | null = null
  /**
   * Step of the newest checkpoint. Kept because a failing coordinator saves its first step again: that is no progress.
   */
  let savedStep = 0
  /** Resolves when the log is open. */
  let opening: Promise<void> = Promise.resolve()
  /** Messages for every coordinator of the run, the current one and later ones. */
  let announced: readonly ToCoordinator[] = []

  async function runLife(order: CoordinatorOrder, onProgress: () => void): Promise<LifeEnd> {
    let end: LifeEnd | null = null
    let said = ''
    current = forkCoordinator(order, {
      message: message => {
        if (message.type === 'finished' || message.type === 'failed') end = message
        else hear(message)
        if (message.type === 'event' && message.event.type === 'checkpoint' && message.event.step > savedStep) {
          savedStep = message.event.step
          onProgress()
        }
      },
      line: text => {
        if (/error/i.test(text)) said = text.trim()
        note(text)
      },
    })
    const ending = await current.ended
    current = null
    await opening
    return classifyEnd(end, ending, said)
  }

  /** Once a run has begun, an error that may be temporary counts as a crash, after which the run continues. */
  function classifyEnd(end: LifeEnd | null, ending: string, said: string): LifeEnd {
    if (end === null) return { type: 'crashed', ending, said }
    const isFollowed = end.type === 'failed' && mayPass(end.error) && port !== null
    return isFollowed ? { type: 'crashed', ending: describeInLine(errorOf(end.error)), said } : end
  }

  function hear(message: Exclude<FromCoordinator, { type: 'finished' | 'failed' }>): void {
    if (message.type === 'event') reporter?.event(message.event)
    else if (message.type === 'begun') begin(message)
    else prepare(message)
  }

  function prepare(prepared: Extract<FromCoordinator, { type: 'prepared' }>): void {
    folder = prepared.folder
    if (reporter !== null) return
    outputs.people.write(prepared.text)
    reporter = createReporters(outputs, prepared.view)
  }

  function begin(beginning: Beginning): void {
    savedStep = Math.max(savedStep, beginning.step)
    if (port === null) beginRun(beginning)
    else goOn(beginning)
    for (const message of announced) current?.send(message)
  }

  function beginRun({ port: chosen, workers: spec, provisioned: found, notices }: Beginning): void {
    port = chosen
    provisioned = found
    opening = addLog(reporter!, folder!, notices)
    if (spec !== null && provisioned !== null) workers = startRunWorkers({ ...spec, provisioned, ...workerContext })
  }

  function goOn({ step, epochs, notices }: Beginning): void {
    notices.forEach(note)
    // Epochs that the previous coordinator recorded but did not report. Reporters skip those that they know.
    for (const metrics of epochs) reporter?.event({ type: 'epoch', metrics })
    note(`the coordinator resumes at step ${step}`)
    workers?.recall()
  }

  const workerContext = {
    token,
    stop,
    note,
    coordinator: {
      abort: (error: Parameters<typeof recordError>[0]) => announce({ type: 'abort', error: recordError(error) }),
      expectWorkers: (count: number) => announce({ type: 'expect-workers', workers: count }),
    },
  }

  function announce(message: ToCoordinator): void {
    announced = [...announced.filter(({ type }) => type !== message.type), message]
    current?.send(message)
  }

  function note(text: string): void {
    if (reporter === null) outputs.people.write(`${text}\n`)
    else reporter.note(text)
  }

  return {
    runLife,
    note,
    tell: message => current?.send(message),
    folder: () => folder,
    port: () => port,
    provisioned: () => provisioned,
    dismissWorkers: async graceMs => workers?.stop(graceMs),
    killCoordinator: () => current?.kill(),
    close: async () => reporter?.stop(),
  }
}
