import { expect, test } from 'vitest'
import { inspectBatchJobs } from '../../src/doctor/batch-jobs.ts'

test('the tool that makes workers batch jobs is found where it is', () => {
  expect(inspectBatchJobs(process.env)).toMatchObject({ subject: 'Batch jobs', state: 'ok' })
})

test('a machine without it is told what it lacks', () => {
  expect(inspectBatchJobs({ PATH: '/nowhere' })).toMatchObject({
    state: 'warning',
    value: expect.stringMatching(/^chrt is missing/),
    remedy: expect.stringContaining('util-linux'),
  })
})
