import { expect, test } from 'vitest'
import { runCli } from '../support/cli.ts'

test('the doctor shows a row for each requirement of training', async () => {
  const { code, stdout, stderr } = await runCli(['doctor'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const subjects = [
    'Node.js',
    'System',
    'CPU',
    'Memory',
    'TensorFlow',
    'pip',
    'C++ compiler',
    'GPUs',
    'Cache',
    'Workers',
  ]
  for (const subject of subjects) expect(stdout).toMatch(new RegExp(`^[✓✗!]  ${subject.replaceAll('+', '\\+')} `, 'm'))
  expect(stdout).toContain(process.versions.node)
})

test('the doctor prints JSON with --json', async () => {
  const { stdout } = await runCli(['doctor', '--json'])
  const { findings } = JSON.parse(stdout)
  expect(findings[0]).toMatchObject({
    subject: 'Node.js',
    state: 'ok',
    facts: { version: process.versions.node, executable: process.execPath },
  })
})

test('the doctor says what is missing on a bare machine and how to get it', async () => {
  const unset = { PATH: '', CXX: '', LOCKSTEP_DATA_DIR: '', LOCKSTEP_LIBTENSORFLOW: '' }
  const { code, stdout } = await runCli(['doctor'], { ...unset, LOCKSTEP_CACHE_DIR: '/nowhere/cache' })
  expect(code).toBe(0)
  expect(stdout).toMatch(/^✗ {2}TensorFlow +2\.21\.0 is not installed yet$/m)
  expect(stdout).toMatch(/^✗ {2}pip +none /m)
  expect(stdout).toContain('→ Install it: `sudo apt-get install g++`')
  expect(stdout).toContain('→ `pnpm cli data fetch --dataset cifar10`')
})
