import { hostname } from 'node:os'
import { LockstepError } from '@lockstep/protocol'
import { defineCommand } from 'citty'
import { launchOptionsSchema } from '../flags/launch-options.ts'
import { limitsOf, readThreads, readWhole } from '../flags/read-whole.ts'
import { readCapacity, workersOfHost } from '../train/choose-workers.ts'

export const workerCommand = defineCommand({
  meta: { name: 'worker', description: 'Compute gradients for a coordinator on this or another machine.' },
  args: {
    connect: {
      type: 'string',
      required: true,
      valueHint: 'URL',
      description: 'the coordinator: ws://HOST:PORT or wss://HOST:PORT',
    },
    'token-file': { type: 'string', valueHint: 'FILE', description: "file with the coordinator's token" },
    'tls-ca': {
      type: 'string',
      valueHint: 'FILE',
      description: 'certificate (PEM) to trust for wss://, in addition to the usual ones',
    },
    workers: {
      type: 'string',
      valueHint: 'N|auto',
      description: 'worker processes on this machine; auto: one per core, or per --threads cores (default: 1)',
    },
    name: {
      type: 'string',
      valueHint: 'NAME',
      description: 'name in logs and summaries; several workers get a number after it (default: host name)',
    },
    device: {
      type: 'string',
      valueHint: 'NAME',
      description: 'device to compute on; only cpu so far: GPUs are not used (default: cpu)',
    },
    'peer-listen': {
      type: 'string',
      valueHint: 'HOST:PORT',
      description:
        'address for other workers to connect to; several workers take consecutive ports (default: a free port of the address that reaches the coordinator)',
    },
    threads: {
      type: 'string',
      valueHint: 'N',
      description:
        'TensorFlow threads (default: as in the run); another number may change the last bits of the weights',
    },
    wait: { type: 'string', valueHint: 'N', description: 'seconds to keep trying to connect (default: 60)' },
    offline: { type: 'boolean', description: 'do not download TensorFlow' },
  },
  run: async ({ args }) => {
    const threads = args.threads === undefined ? null : readThreads(args.threads)
    const workers = readWorkers(args.workers ?? '1', threads ?? 1)
    const options = {
      url: readUrl(args.connect),
      tokenFile: args['token-file'] ?? null,
      caFile: args['tls-ca'] ?? null,
      name: args.name ?? hostname(),
      device: readDevice(args.device ?? 'cpu'),
      peerListen: args['peer-listen'] === undefined ? null : readPeerListen(args['peer-listen'], workers),
      threads,
      waitMs: 1000 * readWhole('--wait', args.wait ?? '60', limitsOf(launchOptionsSchema.shape.wait)),
      offline: args.offline === true,
    }
    const { runRemoteWorker } = await import('../worker/remote-worker.ts')
    if (workers === 1) return runRemoteWorker(options)
    const { runHostWorkers } = await import('../worker/host-workers.ts')
    return runHostWorkers(options, workers)
  },
})

function readUrl(text: string): string {
  if (URL.canParse(text) && /^wss?:\/\/[^/?#]*:\d+(?=[/?#]|$)/i.test(text)) return text
  throw bad('--connect', 'ws://HOST:PORT or wss://HOST:PORT', text)
}

function readWorkers(text: string, threads: number): number {
  if (text === 'auto') return workersOfHost(threads, readCapacity())
  if (/^\d+$/.test(text)) return readWhole('--workers', text, limitsOf(launchOptionsSchema.shape.workers.unwrap()))
  throw bad('--workers', 'a whole number, or auto', text)
}

function readPeerListen(text: string, workers: number): { host: string; port: number; announce: true } {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port) > 65_535) throw bad('--peer-listen', 'HOST:PORT', text)
  const highest = 65_536 - workers
  if (Number(port) > highest) throw bad('--peer-listen', `a port up to ${highest} for ${workers} workers`, text)
  return { host, port: Number(port), announce: true }
}

function readDevice(text: string): string {
  if (text === 'cpu') return text
  throw bad('--device', 'cpu', text)
}

function bad(flag: string, expected: string, received: string): LockstepError {
  return new LockstepError('bad-configuration', flag, { kind: 'usage', expected, received })
}
