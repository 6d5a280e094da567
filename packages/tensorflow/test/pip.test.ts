import { expect, test } from 'vitest'
import { explainPipFailure, findPip, pipEnvironment } from '../src/pip.ts'
import { createUser } from './support/machine.ts'

test('the first pip that works is used', async () => {
  const { environment } = await createUser({
    python3: 'echo "No module named pip" >&2; exit 1',
    pip: 'echo "pip 24.0"',
    uv: 'echo "uv 0.5"',
  })
  expect((await findPip(environment)).name).toBe('pip')
})

test('uv is used if there is no pip', async () => {
  const { environment } = await createUser({
    python3: 'exit 1',
    uv: 'test "$*" = "tool run --quiet pip --version" && echo "pip 24.0"',
  })
  expect((await findPip(environment)).name).toBe('uv tool run pip')
})

test('pip keeps the user’s settings and uses the index configured for uv', () => {
  const environment = { PIP_CERT: '/etc/corporate.pem', UV_DEFAULT_INDEX: 'https://mirror.example/simple' }
  expect(pipEnvironment(environment, '/somewhere')).toMatchObject({
    PIP_CERT: '/etc/corporate.pem',
    PIP_INDEX_URL: 'https://mirror.example/simple',
    TMPDIR: '/somewhere',
    PIP_NO_CACHE_DIR: '1',
  })
  expect(pipEnvironment({ ...environment, PIP_INDEX_URL: 'https://other.example' }).PIP_INDEX_URL).toBe(
    'https://other.example',
  )
})

test('a network error is reported with pip’s own error, which only says that nothing matches', () => {
  const output = [
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<pip.HTTPSConnection object at 0x7f7f>: [Errno -3] Temporary failure in name resolution')': /simple/tensorflow-cpu/",
    'ERROR: Could not find a version that satisfies the requirement tensorflow-cpu==2.21.0 (from versions: none)',
    'ERROR: No matching distribution found for tensorflow-cpu==2.21.0',
    '',
  ].join('\n')
  expect(explainPipFailure(output)).toBe(
    [
      "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('[Errno -3] Temporary failure in name resolution')': /simple/tensorflow-cpu/",
      'ERROR: No matching distribution found for tensorflow-cpu==2.21.0',
    ].join('\n'),
  )
})

test('an exception in pip is reported by its last line', () => {
  const output =
    'ERROR: Exception:\nTraceback (most recent call last):\n  File "pip.py"\nOSError: [Errno 28] No space left on device\n'
  expect(explainPipFailure(output)).toBe('OSError: [Errno 28] No space left on device')
})
