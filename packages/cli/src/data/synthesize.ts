import { type CifarName, cifarFormats, synthesizeCifar } from '@lockstep/data'
import { shellWord } from '@lockstep/protocol'
import type { CommandStreams } from '../commands/streams.ts'

export type SynthesizeRequest = { readonly format: CifarName; readonly out: string; readonly seed: number }

/** Writes the synthetic data set and prints how to train on it. Throws as `synthesizeCifar` does. */
export async function synthesizeData(request: SynthesizeRequest, { stdout }: CommandStreams): Promise<void> {
  const format = cifarFormats[request.format]
  const folder = await synthesizeCifar({ format, folder: request.out, seed: request.seed })
  stdout.write(`${folder}\n`)
  stdout.write(`\`pnpm cli train --dataset ${format.name} --data-dir ${shellWord(request.out)}\` trains on it.\n`)
}
