// Does a run that is killed or stopped at any moment end with the bits of the undisturbed one?
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { killWriter } from './resume/killed-writer.mjs'
import { resumeRealRuns } from './resume/real-runs.mjs'
import { readFlags } from './support/flags.mjs'
import { temporaryFolder } from './support/lockstep.mjs'
import { describeMachine } from './support/machine.mjs'
import { createProgress } from './support/progress.mjs'
import { markdownTable } from './support/statistics.mjs'
import { prepareData } from './train/data.mjs'

const values = readFlags({
  kills: { value: 'N', help: 'SIGKILLs of a process that writes checkpoints as fast as it can', usual: 200 },
  seed: { value: 'N', help: 'seed of the kill times and of the runs', usual: 1 },
  samples: { value: 'N', help: 'training samples of the real runs', usual: 1_000 },
})

const folder = temporaryFolder('resume')
const progress = createProgress()
const startedAtMs = performance.now()
const passed = () => (performance.now() - startedAtMs) / 1000
try {
  process.stdout.write(`${describeMachine()}\n\n`)
  const isRight = [await showKilledWriter(), await showRealRuns()]
  if (isRight.includes(false)) process.exitCode = 1
} finally {
  progress.stop()
  await rm(folder, { recursive: true })
}

async function showKilledWriter() {
  const { kills, seed } = values
  const onProgress = (kill, step) =>
    progress.show(passed(), (passed() / kill) * kills, `kill ${kill}/${kills}, step ${step}`)
  const found = await killWriter({ folder: join(folder, 'written'), kills, seed, onProgress })
  progress.stop()
  const titles = ['SIGKILLs of a writer', 'in the middle of a write', 'before the run began', 'steps', 'wrong']
  const row = [found.kills, found.inTheMiddle, found.without, found.steps, found.wrong.length]
  process.stdout.write(`${markdownTable(titles, [row])}\n${listWrong(found.wrong)}`)
  return found.wrong.length === 0
}

async function showRealRuns() {
  const { dataDir, dataSource } = await prepareData(folder)
  // A fifth of the samples is for validation, so an epoch of 1000 samples has 16 steps of 50.
  const [samples, seed] = [values.samples, values.seed].map(String)
  const size = ['--limit-train', samples, '--limit-test', '200', '--epochs', '3', '--shards', '4', '--seed', seed]
  const kept = ['--checkpoint-every', '4', '--log-steps', '--json', '--offline']
  const config = ['--dataset', 'cifar10', '--data-dir', dataDir, ...size, ...kept]
  let done = 0
  const onProgress = text => progress.show(passed(), (passed() / ++done) * 13, text)
  const { summary, rows } = await resumeRealRuns({ folder, config, onProgress })
  progress.stop()
  const { trainSamples, epochs, steps, weightsSha256 } = summary
  process.stdout.write(
    `${dataSource}, ${trainSamples} samples, ${epochs} epochs, ${steps} steps; undisturbed: ${weightsSha256.slice(0, 12)}\n\n`,
  )
  const titles = [
    'a run of 2 workers ends by',
    'at step',
    'half a file left',
    'resumes at step',
    'with workers',
    'differs in',
  ]
  const cells = ({ ending, steps: at, partial, resumedAt, workers, wrong }) => [
    ending,
    at,
    partial,
    resumedAt,
    workers,
    wrong.join(', ') || 'nothing',
  ]
  process.stdout.write(markdownTable(titles, rows.map(cells)))
  return rows.every(({ wrong }) => wrong.length === 0)
}

function listWrong(wrong) {
  return wrong.map(text => `- ${text}\n`).join('')
}
