import type { CastVote, Vote } from '../../src/audit/vote.ts'

/** A vote that consists of one word, `NaN` if it is not finite, and whether it was accepted or dropped. */
export function voteFor(word: string): Vote & { readonly fate: () => string } {
  const fate: string[] = []
  return {
    isSound: word !== 'NaN',
    figures: [],
    bytes: Buffer.from(word),
    accept: () => fate.push('accepted'),
    drop: () => fate.push('dropped'),
    fate: () => fate.join(', '),
  }
}

/** `1: a` is the answer a of worker 1; `1: a a` is the same answer given twice. */
export function votesOf(...said: readonly string[]): readonly CastVote[] {
  return said.map(text => {
    const [worker, ...words] = text.split(/:? /) as [string, string, string?]
    return { workerId: Number(worker), vote: voteFor(words[0]!), times: words.length === 2 ? 2 : 1 }
  })
}
