import { evaluationChunk } from '@lockstep/coordinator'
import { type DataSet, dataSetSha256, type ImageSplit, imageBytes, openDataSet, takeFirst } from '@lockstep/data'
import { createLayout, type GradientEngine } from '@lockstep/model'
import { computeEnvironment, loadTensorFlow } from '@lockstep/tensorflow'
import { createEngine } from '@lockstep/worker'
import type { WeightsName } from '../flags/common-flags.ts'
import { provision } from '../provision.ts'
import { findRun } from '../runs/find-run.ts'
import { type RunFacts, readRunFacts } from '../runs/run-facts.ts'
import { createProgressBar } from '../terminal/progress.ts'
import { loadModel } from './load-model.ts'
import { classFigures, countConfusion, describeReport, type TestReport } from './report.ts'

export type EvaluateOptions = {
  readonly reference: string
  readonly runsFolder: string
  readonly weights: WeightsName
  readonly dataDir: string | null
  readonly threads: number
  readonly offline: boolean
  readonly json: boolean
}

/** Tests a run's model on its test set and writes the report to standard output. */
export async function evaluateRun(options: EvaluateOptions): Promise<void> {
  const people = options.json ? process.stderr : process.stdout
  const folder = await findRun(options.reference, options.runsFolder)
  const facts = await readRunFacts(folder)
  const dataSet = await openTestData(options, facts, people)
  Object.assign(process.env, computeEnvironment(options.threads))
  const { backend, description } = await loadTensorFlow(await provision(options.offline, people))
  const { model, weights, origin } = await loadModel(folder, options.weights)
  people.write(`${origin}, on ${description}\n`)
  const test = facts.config.limitTest === null ? dataSet.test : takeFirst(dataSet.test, facts.config.limitTest)
  // The configuration of the run, so that the figures equal those of its summary to the last digit.
  const config = backend === 'tensorflow' ? facts.config : { ...facts.config, precision: 'float32' as const }
  const engine = createEngine(model, createLayout(model), config, backend)
  const report = await testModel(engine, weights, test, facts.classNames, people)
  engine.dispose()
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : describeReport(report))
}

async function openTestData(options: EvaluateOptions, facts: RunFacts, people: NodeJS.WriteStream): Promise<DataSet> {
  const dataSet = await openDataSet({
    dataset: facts.config.dataset,
    dataDir: options.dataDir ?? undefined,
    environment: process.env,
    offline: options.offline,
    onProgress: () => undefined,
    onNotice: text => people.write(`${text}\n`),
  })
  if (dataSetSha256(dataSet) !== facts.dataSha256) {
    people.write(`this is not the data that the run was trained on (${facts.dataSource}): figures may differ\n`)
  }
  return dataSet
}

async function testModel(
  engine: GradientEngine,
  weights: Float32Array,
  test: ImageSplit,
  classNames: readonly string[],
  people: NodeJS.WriteStream,
): Promise<TestReport> {
  const bar = createProgressBar(people)
  const predictions = new Uint8Array(test.count)
  let [lossSum, correct] = [0, 0]
  for (let start = 0; start < test.count; start += evaluationChunk) {
    const end = Math.min(start + evaluationChunk, test.count)
    const pixels = test.pixels.subarray(start * imageBytes, end * imageBytes)
    const chunk = await engine.evaluate(weights, pixels, test.labels.subarray(start, end))
    predictions.set(chunk.predictions, start)
    lossSum += chunk.lossSum
    correct += chunk.correct
    bar.update({ label: 'testing', done: end, total: test.count, unit: 'images' })
  }
  bar.stop()
  const confusion = countConfusion(test.labels, predictions, classNames.length)
  const means = { loss: lossSum / test.count, accuracy: correct / test.count, count: test.count }
  return { ...means, classes: classFigures(confusion, classNames), confusion }
}
