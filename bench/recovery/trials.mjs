// The disturbances of a run, and what is measured after each.
import { setTimeout as pause } from 'node:timers/promises'
import { sendSignal } from '../support/process-tree.mjs'
import { median } from '../support/statistics.mjs'

/** A disturbance delays one of this many steps after it. */
const heldUpSteps = 3
/** The usual time of a step is the median over this many steps before. */
const usualSteps = 40

export const trials = {
  kill: {
    title: 'SIGKILL of a worker',
    once: async (run, random) => {
      // The control: the same measurement at a random moment without a kill.
      const control = await lateness(run, random, () => undefined)
      return { control, killed: await lateness(run, random, () => killOne(run, random)) }
    },
    judge: outcomes => {
      const of = kind => outcomes.map(outcome => outcome[kind])
      const usual = median(of('control').map(({ lateMs }) => lateMs))
      return [
        { what: 'the step it meets, later than usual', values: of('killed').map(({ lateMs }) => lateMs), unit: 'ms' },
        { what: 'the latest of three steps without it', values: of('control').map(({ lateMs }) => lateMs), unit: 'ms' },
        { what: 'a step', values: of('killed').map(({ stepMs }) => stepMs), unit: 'ms' },
        {
          what: 'later than without',
          values: of('killed').map(({ lateMs, stepMs }) => (lateMs - usual) / stepMs),
          unit: 'steps',
          below: 1,
        },
      ]
    },
  },
  suspend: {
    title: 'SIGSTOP of a worker',
    once: async (run, random) => {
      await pause(random.between(0, 400))
      const [name, pid] = pickWorker(run, random)
      const { record } = run
      const [atMs, seen] = [performance.now(), record.events.length]
      sendSignal(pid, 'SIGSTOP')
      const isNotice = event => event.type === 'worker-lost' && event.worker.name === name
      await run.until('the loss', () => record.events.slice(seen).some(isNotice))
      const noticedMs = record.events.slice(seen).find(isNotice).atMs - atMs
      sendSignal(pid, 'SIGCONT')
      return { noticedMs }
    },
    judge: outcomes => [
      { what: 'until it is noticed', values: outcomes.map(({ noticedMs }) => noticedMs / 1000), unit: 's', below: 2 },
    ],
  },
  coordinator: {
    title: 'SIGKILL of the coordinator',
    once: async (run, random) => {
      await pause(random.between(0, 400))
      const { record } = run
      const old = run.coordinatorPid()
      const lives = record.lives.length
      const killedAtMs = performance.now()
      sendSignal(old, 'SIGKILL')
      while (run.coordinatorPid() === old || run.coordinatorPid() === null) await pause(2)
      const startedAtMs = performance.now()
      await run.until('a step', ({ steps }) => steps.at(-1).life > lives)
      const { atMs } = record.steps.find(({ life }) => life > lives)
      return { sinceKillMs: atMs - killedAtMs, sinceStartMs: atMs - startedAtMs }
    },
    judge: outcomes => [
      {
        what: 'from its restart to the first step',
        values: outcomes.map(({ sinceStartMs }) => sinceStartMs / 1000),
        unit: 's',
        below: 3,
      },
      { what: 'from the kill', values: outcomes.map(({ sinceKillMs }) => sinceKillMs / 1000), unit: 's' },
    ],
  },
}

/** Calls `act` at a random moment. Returns the usual time of a step, and how much longer the slowest next step took. */
async function lateness(run, random, act) {
  const { record } = run
  const before = record.steps.length
  await run.until('usual steps', ({ steps }) => steps.length >= before + usualSteps)
  const stepMs = median(durations(record.steps.slice(-usualSteps)))
  await pause(random.between(0, 2 * stepMs))
  act()
  const done = record.steps.length
  await run.until('the next steps', ({ steps }) => steps.length >= done + heldUpSteps)
  const next = durations(record.steps.slice(done - 1, done + heldUpSteps))
  return { stepMs, lateMs: Math.max(...next) - stepMs }
}

function durations(steps) {
  return steps.slice(1).map(({ atMs }, index) => atMs - steps[index].atMs)
}

function killOne(run, random) {
  const [, pid] = pickWorker(run, random)
  sendSignal(pid, 'SIGKILL')
}

function pickWorker({ workers }, random) {
  return random.pick([...workers])
}
