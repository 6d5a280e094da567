import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readRunFacts } from '../../src/runs/run-facts.ts'
import { exampleFacts } from '../support/example-facts.ts'
import { makeTemporaryFolder } from './example-runs.ts'

async function writeConfigFile(content: string): Promise<string> {
  const folder = await makeTemporaryFolder()
  await writeFile(join(folder, 'config.json'), content)
  return folder
}

describe('reading the facts of a run', () => {
  it('returns all that config.json contains', async () => {
    expect(await readRunFacts(await writeConfigFile(JSON.stringify(exampleFacts)))).toEqual(exampleFacts)
  })

  it.each([
    ['that is truncated', JSON.stringify(exampleFacts).slice(0, -1), /^not JSON: /],
    ['without class names', JSON.stringify({ ...exampleFacts, classNames: undefined }), /at classNames/],
  ])('rejects a file %s', async (_, content, received) => {
    const folder = await writeConfigFile(content)
    await expect(readRunFacts(folder)).rejects.toMatchObject({
      code: 'run-damaged',
      message: `${join(folder, 'config.json')} is damaged`,
      expected: 'what this version of lockstep writes',
      received: expect.stringMatching(received),
    })
  })

  it('rejects a folder without config.json', async () => {
    await expect(readRunFacts(await makeTemporaryFolder())).rejects.toMatchObject({ code: 'not-a-run', kind: 'usage' })
  })
})
