import { type CoordinatorEvent, describeWorker, type WorkerFacts } from '@lockstep/coordinator'

type Mixed = Extract<CoordinatorEvent, { type: 'mixed-backends' }>

/** The warning about workers with different backends in one run: which ones, what it means and what to do. */
export function describeMixedBackends({ worker, others, earlier }: Mixed): string {
  const each = [worker, ...others].map(facts => `${describeWorker(facts)} on ${facts.backend}`)
  if (earlier.length > 0) each.push(`before the last start, on ${earlier.join(', ')}`)
  const meaning = 'their gradients differ in the last bits, so the weights depend on who computes what'
  return `WARNING: unlike workers: ${each.join('; ')}: ${meaning}. ${remedyFor([worker, ...others], earlier)}`
}

function remedyFor(workers: readonly WorkerFacts[], earlier: readonly string[]): string {
  const backends = [...workers.map(({ backend }) => backend), ...earlier]
  const lacking = workers.filter(({ backend }) => !isTensorFlow(backend))
  if (lacking.length > 0 && backends.some(isTensorFlow)) {
    const hosts = [...new Set(lacking.map(({ host }) => host))].join(', ')
    return `\`pnpm cli doctor\` on ${hosts} says what TensorFlow is missing there`
  }
  const versions = new Set(backends.filter(isTensorFlow).map(backend => backend.split(',')[0]))
  return versions.size > 1
    ? 'Give all of them one version of TensorFlow: the same lockstep, and the same LOCKSTEP_LIBTENSORFLOW or none'
    : 'For reproducible weights, use workers of only one of these kinds'
}

function isTensorFlow(backend: string): boolean {
  return backend.startsWith('TensorFlow')
}
