// Real runs that end at some point and are resumed with fewer and with more workers.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { mainFile, readSummary } from '../support/lockstep.mjs'
import { childrenOf, sendSignal } from '../support/process-tree.mjs'
import { createRecord } from '../support/run-record.mjs'

const longestWaitMs = 120_000

/** How runs end, and what must have happened before. */
const endings = [
  {
    name: 'mid-epoch checkpoint',
    isDue: ({ events }) => events.some(({ type, step }) => type === 'checkpoint' && step === 8),
    end: killTree,
  },
  {
    name: 'end of an epoch',
    isDue: ({ events }) => events.some(({ type, epoch }) => type === 'epoch' && epoch === 1),
    end: killTree,
  },
  {
    name: 'Ctrl-C',
    isDue: ({ steps }) => steps.at(-1)?.step === 20,
    end: async child => {
      child.kill('SIGINT')
      await once(child, 'close')
    },
  },
  {
    name: 'kill -9 of all while writing',
    isDue: ({ steps }) => steps.at(-1)?.step >= 21,
    end: killWhileWriting,
  },
]

/** Trains undisturbed, then ends a run in each of these ways and resumes it. Returns the rows of a table. */
export async function resumeRealRuns({ folder, config, onProgress }) {
  const reference = join(folder, 'undisturbed')
  onProgress('undisturbed')
  await trainToEnd(['train', ...config, '--workers', '2', '--run-dir', reference])
  const rows = []
  for (const ending of endings) {
    const place = join(folder, ending.name.replaceAll(/\W+/g, '-'))
    onProgress(ending.name)
    const ended = await endRun(ending, config, place)
    for (const workers of [1, 3]) {
      onProgress(`${ending.name}, resumed with ${workers}`)
      rows.push({ ending: ending.name, ...ended, workers, ...(await goOn(place, workers, reference, config)) })
    }
  }
  return { summary: readSummary(reference), rows }
}

/** Starts a run with two workers and ends it. Returns the number of its steps and what it left. */
async function endRun({ isDue, end }, config, place) {
  const record = createRecord()
  const child = launch(['train', ...config, '--workers', '2', '--run-dir', place])
  record.follow(child.stdout)
  if (!(await record.until(isDue, { timeoutMs: longestWaitMs }))) throw new Error(`${place} has not come so far`)
  await end(child, place)
  const partial = readdirSync(join(place, 'checkpoints')).filter(name => name.endsWith('.partial')).length
  return { steps: record.steps.at(-1)?.step ?? 0, partial }
}

/** Resumes a copy of the run, so that each resume starts from the same state. */
async function goOn(place, workers, reference, config) {
  const copy = `${place}-${workers}`
  cpSync(place, copy, { recursive: true })
  const data = config.slice(config.indexOf('--data-dir'), config.indexOf('--data-dir') + 2)
  const steps = await trainToEnd([
    'train',
    '--resume',
    copy,
    '--workers',
    String(workers),
    ...data,
    '--log-steps',
    '--json',
    '--offline',
  ])
  return { resumedAt: steps[0].step - 1, wrong: findDifferences(copy, reference) }
}

function findDifferences(folder, reference) {
  const wrong = []
  const same = (what, is, expected) => {
    if (JSON.stringify(is) !== JSON.stringify(expected)) wrong.push(what)
  }
  const [is, expected] = [folder, reference].map(readSummary)
  for (const key of ['status', 'steps', 'epochs', 'weightsSha256', 'test', 'final', 'best'])
    same(key, is[key], expected[key])
  same('metrics.jsonl', ...[folder, reference].map(place => linesOf(join(place, 'metrics.jsonl')).map(learnt)))
  const strange = readdirSync(folder, { recursive: true }).filter(name => /partial|lock-|unusable/.test(name))
  same('files', strange, [])
  linesOf(join(folder, 'log.jsonl'))
  return wrong
}

/** The fields of a line without times and workers. */
function learnt({
  type,
  epoch,
  step,
  samples,
  loss,
  accuracy,
  trainLoss,
  trainAccuracy,
  validationLoss,
  validationAccuracy,
}) {
  return [type, epoch, step, samples, loss, accuracy, trainLoss, trainAccuracy, validationLoss, validationAccuracy]
}

/** Throws if a line is incomplete. */
function linesOf(file) {
  const lines = readFileSync(file, 'utf8').split('\n')
  if (lines.pop() !== '') throw new Error(`${file} does not end with a whole line`)
  return lines.map(line => JSON.parse(line))
}

/** `said` returns the end of its output for people. */
function launch(args) {
  const child = spawn(process.execPath, [mainFile, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', chunk => {
    said = (said + chunk).slice(-2_000)
  })
  return Object.assign(child, { said: () => said })
}

/** Returns the record of its steps. */
async function trainToEnd(args) {
  const record = createRecord()
  const child = launch(args)
  record.follow(child.stdout)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`lockstep ${args.join(' ')} ended with ${code}:\n${child.said()}`)
  return record.steps
}

/** Kills the coordinator and its workers at the same time. */
async function killTree(child) {
  for (const pid of [child.pid, ...childrenOf(child.pid)]) sendSignal(pid, 'SIGKILL')
  await once(child, 'close')
}

/** Kills the run while a checkpoint's temporary file is being written. */
async function killWhileWriting(child, place) {
  const checkpoints = join(place, 'checkpoints')
  if (!existsSync(checkpoints)) mkdirSync(checkpoints)
  const watcher = watch(checkpoints)
  for (let isWriting = false; !isWriting; ) {
    const [, name] = await once(watcher, 'change')
    isWriting = name.endsWith('.partial')
  }
  watcher.close()
  await killTree(child)
}
