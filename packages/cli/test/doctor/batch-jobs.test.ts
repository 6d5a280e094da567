import { expect, test } from 'vitest'
import { inspectBatchJobs } from '../../src/doctor/batch-jobs.ts'

test('the tool that turns workers into batch jobs is found', () => {
  expect(inspectBatchJobs(process.env)).toMatchObject({ subject: 'Batch jobs', state: 'ok' })
})

test('a missing tool is a warning with a remedy', () => {
  expect(inspectBatchJobs({ PATH: '/nowhere' })).toMatchObject({
    state: 'warning',
    value: expect.stringMatching(/^chrt is missing/),
    remedy: expect.stringContaining('util-linux'),
  })
})
