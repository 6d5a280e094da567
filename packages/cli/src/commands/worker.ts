import { hostname } from 'node:os'
import { LockstepError } from '@lockstep/protocol'
import { defineCommand } from 'citty'
import { launchOptionsSchema } from '../flags/launch-options.ts'
import { limitsOf, readThreads, readWhole } from '../flags/read-whole.ts'

export const workerCommand = defineCommand({
  meta: { name: 'worker', description: 'Compute for a coordinator, from this or another machine.' },
  args: {
    connect: {
      type: 'string',
      required: true,
      valueHint: 'URL',
      description: 'the coordinator: ws://HOST:PORT or wss://HOST:PORT',
    },
    'token-file': { type: 'string', valueHint: 'FILE', description: 'file with the token of the coordinator' },
    'tls-ca': {
      type: 'string',
      valueHint: 'FILE',
      description: 'certificate (PEM) to trust for wss:// beside the usual ones',
    },
    name: { type: 'string', valueHint: 'NAME', description: 'name in logs and summaries (default: host name)' },
    device: { type: 'string', valueHint: 'NAME', description: 'where to compute: cpu (default cpu)' },
    'peer-listen': {
      type: 'string',
      valueHint: 'HOST:PORT',
      description: 'where other workers reach this one (default: any port of the address that reaches the coordinator)',
    },
    threads: {
      type: 'string',
      valueHint: 'N',
      description: "TensorFlow threads (default: the run's); others may change the last bits",
    },
    wait: { type: 'string', valueHint: 'N', description: 'seconds to try for a connection (default 60)' },
    offline: { type: 'boolean', description: 'never use the network to get TensorFlow' },
  },
  run: async ({ args }) => {
    const { runRemoteWorker } = await import('../worker/remote-worker.ts')
    return runRemoteWorker({
      url: readUrl(args.connect),
      tokenFile: args['token-file'] ?? null,
      caFile: args['tls-ca'] ?? null,
      name: args.name ?? hostname(),
      device: readDevice(args.device ?? 'cpu'),
      peerListen: args['peer-listen'] === undefined ? null : readPeerListen(args['peer-listen']),
      threads: args.threads === undefined ? null : readThreads(args.threads),
      waitMs: 1000 * readWhole('--wait', args.wait ?? '60', limitsOf(launchOptionsSchema.shape.wait)),
      offline: args.offline === true,
    })
  },
})

function readUrl(text: string): string {
  if (URL.canParse(text) && /^wss?:\/\/[^/?#]*:\d+(?=[/?#]|$)/i.test(text)) return text
  throw bad('--connect', 'ws://HOST:PORT or wss://HOST:PORT', text)
}

function readPeerListen(text: string): { host: string; port: number; announce: true } {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port), announce: true }
  throw bad('--peer-listen', 'HOST:PORT', text)
}

function readDevice(text: string): string {
  if (text === 'cpu') return text
  throw bad('--device', 'cpu', text)
}

function bad(flag: string, expected: string, received: string): LockstepError {
  return new LockstepError('bad-configuration', flag, { kind: 'usage', expected, received })
}
