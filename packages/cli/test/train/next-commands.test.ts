import { expect, test } from 'vitest'
import { coordinatorDefaults, type LaunchOptions, launchDefaults } from '../../src/flags/launch-options.ts'
import { evaluateCommand, resumeCommand } from '../../src/train/next-commands.ts'

const train = (launch: Partial<LaunchOptions> = {}) => ({
  settings: { launch: { ...launchDefaults, ...launch }, config: {} },
  hasLocalWorkers: true,
})
const coordinator = (launch: Partial<LaunchOptions> = {}) => ({
  settings: { launch: { ...coordinatorDefaults, tokenFile: 'token', ...launch }, config: {} },
  hasLocalWorkers: false,
})

test('a run is resumed by the command that started it', () => {
  expect(resumeCommand('runs/a', train())).toBe('pnpm cli train --resume runs/a')
  expect(resumeCommand('runs/a', coordinator())).toBe('pnpm cli coordinator --resume runs/a --token-file token')
})

test('a resumed run keeps its address, certificate and data', () => {
  expect(resumeCommand('runs/a', coordinator({ listen: '0.0.0.0:80', tlsCert: 'c.pem', tlsKey: 'k.pem' }))).toBe(
    'pnpm cli coordinator --resume runs/a --listen 0.0.0.0:80 --token-file token --tls-cert c.pem --tls-key k.pem',
  )
  expect(resumeCommand('runs/a', train({ dataDir: '/cifar' }))).toBe('pnpm cli train --resume runs/a --data-dir /cifar')
})

test('a resumed run keeps all settings that its configuration does not contain', () => {
  const launch = {
    workers: 3,
    topology: 'star',
    audit: 0.1,
    minWorkers: 2,
    supervise: true,
    wait: 5,
    checkpointEvery: 100,
    checkpointMinutes: 0,
    keep: 1,
    logSteps: true,
    offline: true,
    json: true,
  } as const
  expect(resumeCommand('runs/a', train(launch))).toBe(
    [
      'pnpm cli train --resume runs/a --workers 3 --topology star --audit 0.1 --min-workers 2 --supervise --wait 5',
      '--checkpoint-every 100 --checkpoint-minutes 0 --keep 1 --log-steps --offline --json',
    ].join(' '),
  )
})

test('a resumed run needs no flags for folders and traces', () => {
  const launch = { runDir: 'runs/a', runsDir: 'elsewhere', trace: 'trace.json', traceSteps: 10 }
  expect(resumeCommand('runs/a', train(launch))).toBe('pnpm cli train --resume runs/a')
})

test('a run is evaluated on its data', () => {
  expect(evaluateCommand('runs/a', train())).toBe('pnpm cli evaluate runs/a')
  expect(evaluateCommand('runs/a', coordinator({ dataDir: 'cifar' }))).toBe('pnpm cli evaluate runs/a --data-dir cifar')
})

test('names are quoted for the shell if they need it', () => {
  expect(evaluateCommand("my runs/it's", train({ dataDir: 'a b' }))).toBe(
    String.raw`pnpm cli evaluate 'my runs/it'\''s' --data-dir 'a b'`,
  )
})
