import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, expect, test } from 'vitest'
import { runCli } from '../support/cli.ts'
import { useTinyRun } from '../support/tiny-run.ts'

const { folder } = useTinyRun()
const images = [join(folder, 'red.png'), join(folder, 'blue.jpg')]
beforeAll(async () => {
  for (const [index, background] of ['red', 'blue'].entries()) {
    await sharp({ create: { width: 50, height: 40, channels: 3, background } }).toFile(images[index]!)
  }
})

function predict(...args: readonly string[]) {
  return runCli(['predict', 'run', '--runs-dir', folder, '--offline', '--threads', '1', ...args])
}

test('predict prints the most probable classes of each image', async () => {
  const { code, stdout, stderr } = await predict(...images)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const lines = stdout.trimEnd().split('\n')
  expect(lines[0]).toMatch(/^image +class +probability$/)
  expect(lines).toHaveLength(7)
  expect([lines[1], lines[4]].map(line => line!.split(' ')[0])).toEqual(images)
  expect(lines.slice(1).every(line => /\d\.\d %$/.test(line))).toBe(true)
})

test('predict --json prints an object for each image, with probabilities that sum to 1', async () => {
  const { stdout } = await predict(...images, '--json', '--top', '10')
  const predictions = stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(predictions.map(({ image }) => image)).toEqual(images)
  for (const { classes } of predictions) {
    const probabilities: number[] = classes.map(({ probability }: { probability: number }) => probability)
    expect(probabilities).toEqual([...probabilities].sort((a, b) => b - a))
    expect(probabilities).toHaveLength(10)
    expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5)
  }
})

test('the error for an unreadable image names it, and no results are printed', async () => {
  const missing = join(folder, 'missing.png')
  expect(await predict(images[0]!, missing)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(`${missing} cannot be read as an image`),
  })
})

test('a missing image and --top 0 are usage errors', async () => {
  expect(await predict()).toMatchObject({ code: 2, stderr: expect.stringContaining('IMAGE') })
  expect(await predict(images[0]!, '--top', '0')).toMatchObject({ code: 2, stderr: expect.stringContaining('--top') })
})
