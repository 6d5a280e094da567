import { expect, onTestFinished, test, vi } from 'vitest'
import { identifyProcess, isProcess, isSameProcess } from '../../src/run-folder/process-identity.ts'
import { systemError } from '../support/faulty-disk.ts'

test("another user's process counts as running, although it cannot be signalled", () => {
  const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
    throw systemError('EPERM')
  })
  onTestFinished(() => kill.mockRestore())
  expect(isProcess(process.pid)).toBe(true)
  expect(isSameProcess(process.pid, identifyProcess(process.pid))).toBe(true)
  kill.mockImplementation(() => {
    throw systemError('ESRCH')
  })
  expect(isProcess(process.pid)).toBe(false)
})
