import { stripVTControlCharacters } from 'node:util'

/** The flags of `train` and `coordinator` by topic, in the order in which the help shows them. */
export const flagGroups: Readonly<Record<string, readonly string[]>> = {
  'DATA AND MODEL': ['dataset', 'data-dir', 'limit-train', 'limit-test', 'validation-split', 'augment', 'model'],
  TRAINING: ['epochs', 'batch-size', 'shards', 'seed', 'early-stopping'],
  OPTIMIZER: ['optimizer', 'learning-rate', 'momentum', 'schedule', 'warmup', 'weight-decay', 'label-smoothing'],
  COMPUTATION: ['precision', 'compress', 'engine', 'threads', 'topology', 'audit'],
  WORKERS: ['workers', 'min-workers', 'wait', 'listen', 'token-file', 'tls-cert', 'tls-key'],
  'RUN FOLDER AND CHECKPOINTS': [
    'run-dir',
    'runs-dir',
    'resume',
    'checkpoint-every',
    'checkpoint-minutes',
    'keep',
    'supervise',
  ],
  'OUTPUT AND SETTINGS': ['config', 'json', 'log-steps', 'trace', 'trace-steps', 'offline'],
}

/**
 * Puts the options of a usage text, a line each, under the headings of their groups instead of under OPTIONS. An option
 * that is in no group stays where it is.
 */
export function groupOptions(usage: string, groups = flagGroups): string {
  const grouped = new Set(Object.values(groups).flat())
  const lines = usage.trimEnd().split('\n')
  const options = new Map(lines.filter(line => grouped.has(flagOf(line))).map(line => [flagOf(line), line]))
  const others = lines.filter(line => !options.has(flagOf(line)))
  const title = others.find(line => stripVTControlCharacters(line) === 'OPTIONS') ?? 'OPTIONS'
  const rest = others.some(line => flagOf(line) !== '') ? others : others.filter(line => line !== title)
  const sections = Object.entries(groups).flatMap(([heading, names]) => {
    const own = names.flatMap(name => options.get(name) ?? [])
    return own.length === 0 ? [] : [`${title.replace('OPTIONS', heading)}\n\n${own.join('\n')}`]
  })
  return [rest.join('\n').trimEnd(), ...sections].join('\n\n')
}

function flagOf(line: string): string {
  return /^ *--([a-z-]+)/.exec(stripVTControlCharacters(line))?.[1] ?? ''
}
