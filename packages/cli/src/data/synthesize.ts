import { type CifarName, cifarFormats, synthesizeCifar } from '@lockstep/data'
import { LockstepError } from '@lockstep/protocol'
import type { CommandStreams } from '../commands/streams.ts'

export type SynthesizeRequest = { readonly format: CifarName; readonly out: string; readonly seed: string }

/** Writes the synthetic data set and tells how to train on it. Throws `bad-seed`, and as `synthesizeCifar` does. */
export async function synthesizeData(request: SynthesizeRequest, { stdout }: CommandStreams): Promise<void> {
  const format = cifarFormats[request.format]
  const folder = await synthesizeCifar({ format, folder: request.out, seed: readSeed(request.seed) })
  stdout.write(`${folder}\n`)
  stdout.write(`\`pnpm cli train --dataset ${format.name} --data-dir ${request.out}\` trains on it.\n`)
}

function readSeed(text: string): number {
  const seed = Number(text)
  if (/^\d{1,10}$/.test(text) && seed <= 0xffff_ffff) return seed
  throw new LockstepError('bad-seed', `--seed ${text} is no seed`, {
    kind: 'usage',
    expected: 'a whole number from 0 to 4294967295',
    received: text,
  })
}
