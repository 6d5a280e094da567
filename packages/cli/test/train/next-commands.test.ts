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

test('a run goes on by the command that has started it', () => {
  expect(resumeCommand('runs/a', train())).toBe('pnpm cli train --resume runs/a')
  expect(resumeCommand('runs/a', coordinator())).toBe('pnpm cli coordinator --resume runs/a --token-file token')
})

test('a run goes on at its address, with its certificate and with its data', () => {
  expect(resumeCommand('runs/a', coordinator({ listen: '0.0.0.0:80', tlsCert: 'c.pem', tlsKey: 'k.pem' }))).toBe(
    'pnpm cli coordinator --resume runs/a --listen 0.0.0.0:80 --token-file token --tls-cert c.pem --tls-key k.pem',
  )
  expect(resumeCommand('runs/a', train({ dataDir: '/cifar' }))).toBe('pnpm cli train --resume runs/a --data-dir /cifar')
})

test('a run goes on with all that it was started with and its configuration does not keep', () => {
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

test('a run that goes on has its folder, and no other trace of its first steps', () => {
  const launch = { runDir: 'runs/a', runsDir: 'elsewhere', trace: 'trace.json', traceSteps: 10 }
  expect(resumeCommand('runs/a', train(launch))).toBe('pnpm cli train --resume runs/a')
})

test('a run is tested on its data', () => {
  expect(evaluateCommand('runs/a', train())).toBe('pnpm cli evaluate runs/a')
  expect(evaluateCommand('runs/a', coordinator({ dataDir: 'cifar' }))).toBe('pnpm cli evaluate runs/a --data-dir cifar')
})

test('names are quoted for the shell where they need it', () => {
  expect(evaluateCommand("my runs/it's", train({ dataDir: 'a b' }))).toBe(
    String.raw`pnpm cli evaluate 'my runs/it'\''s' --data-dir 'a b'`,
  )
})
