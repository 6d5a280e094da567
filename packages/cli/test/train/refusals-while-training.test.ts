import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeMessage, protocolVersion } from '@lockstep/protocol'
import { frameOfHeader, headerBombs, hugeWebSocketFrame, webSocketUpgrade } from '@lockstep/protocol/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSummary, runCli, startCli } from '../support/cli.ts'
import { joinAsStranger, type Stranger, sendMessage, throwBytes } from '../support/stranger.ts'

const token = 'a token of more than sixteen characters'
// 60 steps per epoch with 4 shards each. No validation: a stranger that gets a chunk of it never answers.
const size = '--limit-train 3000 --validation-split 0 --limit-test 100 --epochs 10 --shards 4'.split(' ')
const run = ['train', '--dataset', 'synthetic', ...size, '--topology', 'star', '--offline', '--workers', '2']

/** What is sent to the port, and the response. */
const noise: readonly (readonly [string, (port: number) => Promise<string>, RegExp])[] = [
  ['random bytes', port => throwBytes(port, randomBytes(20_000)), /^$/],
  ['a request for a page', port => throwBytes(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), /^HTTP\/1.1 426 /],
  [
    'a frame of 2^46 bytes',
    port => throwBytes(port, Buffer.concat([Buffer.from(webSocketUpgrade), hugeWebSocketFrame])),
    /101/,
  ],
  ['a text', port => sendMessage(port, 'let me in'), /^1000 refused$/],
  ['random bytes in a frame', port => sendMessage(port, randomBytes(1000)), /^1000 refused$/],
  ...Object.entries(headerBombs).map(
    ([name, header]) =>
      [`a header of ${name}`, (port: number) => sendMessage(port, frameOfHeader(header)), /^1000 refused$/] as const,
  ),
  ['a message that only a worker inside may send', port => sendMessage(port, early()), /^1000 refused$/],
]

const early = () => encodeMessage({ type: 'linked', runId: '0'.repeat(16), group: 1 })

/** Workers that are rejected when they join or later, and the reason that they receive. */
const strangers: readonly (readonly [Omit<Stranger, 'token'> & { readonly token?: string }, RegExp])[] = [
  [{ name: 'guesser', token: 'not the token of this run' }, /^wrong token; give the worker the token file/],
  [
    { name: 'old', hello: { protocol: protocolVersion - 1 } },
    new RegExp(`^the coordinator speaks protocol version ${protocolVersion}, the worker ${protocolVersion - 1}; run`),
  ],
  [{ name: 'other model', ready: { layoutHash: 'f'.repeat(64) } }, /model has another parameter layout \(f{12}, not/],
  [
    { name: 'short', answer: (right, weights) => [right, { gradient: new Float32Array(weights - 1) }] },
    /^tensor gradient of a gradient message$/,
  ],
  [
    { name: 'greedy', answer: (right, weights) => [{ ...right, shard: 999 }, { gradient: new Float32Array(weights) }] },
    /an answer to shard 999 of step \d+, which it was not given/,
  ],
  [
    {
      name: 'no numbers',
      answer: (right, weights) => [right, { gradient: new Float32Array(weights).fill(Number.NaN) }],
    },
    /^excluded: the gradient of shard \d of step \d+ was not finite, though that of others is$/,
  ],
]

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-refusals-while-training-'))
  await writeFile(join(folder, 'token'), token)
  await writeFile(join(folder, 'wrong'), `${token}, nearly`)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a run that rejects invalid messages, workers and commands ends with the weights of an undisturbed run', async () => {
  const undisturbed = join(folder, 'undisturbed')
  expect(await runCli([...run, '--run-dir', undisturbed])).toMatchObject({ code: 0 })

  const place = join(folder, 'run')
  const cli = startCli([...run, '--token-file', join(folder, 'token'), '--run-dir', place])
  const [, url, port] = await cli.printed(/listening on (ws:\/\/127.0.0.1:(\d+))/)
  await cli.printed(/epoch +1\/10/)
  const saying = Promise.all([
    ...noise.map(([, send]) => send(Number(port))),
    ...strangers.map(([stranger]) => joinAsStranger(Number(port), { token, ...stranger })),
  ])
  const refused = await Promise.all([
    runCli(['worker', '--connect', url!, '--token-file', join(folder, 'wrong'), '--wait', '5']),
    runCli([...run, '--run-dir', place]),
    runCli(['train', '--resume', place, '--offline']),
    runCli([...run, '--listen', `127.0.0.1:${port}`, '--run-dir', join(folder, 'second')]),
  ])
  const says = await saying
  expect(cli.child.exitCode).toBeNull()
  expect(says.map((said, index) => [nameOf(index), said])).toEqual(
    [...noise.map(([, , answer]) => answer), ...strangers.map(([, answer]) => answer)].map((answer, index) => [
      nameOf(index),
      expect.stringMatching(answer),
    ]),
  )
  expect(refused.map(({ code, stderr }) => [code, stderr.split('\n')[0]])).toEqual([
    [1, expect.stringMatching(/refused this worker: wrong token/)],
    [2, expect.stringMatching(/already holds a run/)],
    [1, expect.stringMatching(/is in use: another process is running it/)],
    [1, expect.stringMatching(/port \d+ on 127.0.0.1 is taken/)],
  ])

  const { code, stdout } = await cli.ending
  expect(code).toBe(0)
  const [summary, alone] = await Promise.all([readSummary(place), readSummary(undisturbed)])
  expect(summary.weightsSha256).toBe(alone.weightsSha256)
  expect(summary.perWorker.reduce((sum, { samples }) => sum + samples, 0)).toBe(10 * 3_000)
  expect((await readFile(join(place, 'metrics.jsonl'), 'utf8')).trim().split('\n')).toHaveLength(10)

  const notFinite =
    /^rejected an answer from worker \d+: no numbers on elsewhere, the gradient of shard \d of step \d+ is not finite$/
  const counted = stdout.split('\n').filter(line => notFinite.test(line)).length
  // The third answer that another worker contradicts excludes it.
  expect(counted).toBeGreaterThanOrEqual(3)
  expect(summary.perWorker.find(({ name }) => name === 'no numbers')).toMatchObject({ refused: counted })
  expect(stdout).toMatch(new RegExp(`^refused +worker \\d+ \\(no numbers\\): ${counted} answers$`, 'm'))
  for (const name of ['short', 'greedy']) {
    expect(stdout).toMatch(new RegExp(`^worker \\d+ lost: ${name} on elsewhere, refused: `, 'm'))
    expect(stdout).toMatch(new RegExp(`^refused +worker \\d+ \\(${name}\\): 1 answer`, 'm'))
  }
  expect(stdout).toMatch(/^worker \d+ lost: no numbers on elsewhere, excluded: /m)
})

function nameOf(index: number): string {
  return noise[index]?.[0] ?? strangers[index - noise.length]![0].name
}
