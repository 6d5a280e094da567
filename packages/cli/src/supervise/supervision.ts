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
  /** `said`: what it has written last that looks like an error; or empty. */
  | { readonly type: 'crashed'; readonly ending: string; readonly said: string }

/** A run, its local workers and whoever watches it, while one coordinator follows the other. */
export type Supervision = {
  /** Starts a coordinator. Resolves when it has ended; `onProgress` is called with each checkpoint of a later step than any before. */
  readonly runLife: (order: CoordinatorOrder, onProgress: () => void) => Promise<LifeEnd>
  /** To the coordinator that there is, if any. */
  readonly tell: (message: ToCoordinator) => void
  readonly note: (text: string) => void
  /** Of the run, once a coordinator has told it. */
  readonly folder: () => string | null
  /** At which the first coordinator has listened. */
  readonly port: () => number | null
  /** As the first coordinator has found it; null where there are no local workers. */
  readonly provisioned: () => Provisioned | null
  readonly dismissWorkers: (graceMs: number) => Promise<void>
  readonly killCoordinator: () => void
  /** Takes what is drawn off the terminal. */
  readonly close: () => Promise<void>
}

export function createSupervision({
  outputs,
  token,
  stop,
}: {
  readonly outputs: Outputs
  readonly token: string
  /** Once it is aborted no worker is started again. */
  readonly stop: AbortSignal
}): Supervision {
  let folder: string | null = null
  let port: number | null = null
  let provisioned: Provisioned | null = null
  let reporter: Reporters | null = null
  let workers: LocalWorkers | null = null
  let current: CoordinatorProcess | null = null
  /** Of the newest checkpoint. A coordinator that fails saves the step at which it has begun once more. */
  let savedStep = 0
  /** Of the log. */
  let opening: Promise<void> = Promise.resolve()
  /** What every coordinator of the run must know, this one and those to come. */
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

  /** A run that has begun is gone on with after an error that may pass, as after a crash. */
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
    // Those that the one before has written down and not told.
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
