import type { CastVote, Vote } from '../../src/audit/vote.ts'

/** An opinion that says one word, `NaN` for one that is not finite, and what has become of it. */
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

/** `1: a` is worker 1 saying a; `1: a a` is worker 1 asked twice. */
export function votesOf(...said: readonly string[]): readonly CastVote[] {
  return said.map(text => {
    const [worker, ...words] = text.split(/:? /) as [string, string, string?]
    return { workerId: Number(worker), vote: voteFor(words[0]!), times: words.length === 2 ? 2 : 1 }
  })
}
