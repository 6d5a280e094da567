import type { Heard, Opinion } from '../../src/audit/opinion.ts'

/** An opinion that says one word, `NaN` for one that is not finite, and what has become of it. */
export function opinionOf(word: string): Opinion & { readonly fate: () => string } {
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
export function heardOf(...said: readonly string[]): readonly Heard[] {
  return said.map(text => {
    const [worker, ...words] = text.split(/:? /) as [string, string, string?]
    return { workerId: Number(worker), opinion: opinionOf(words[0]!), times: words.length === 2 ? 2 : 1 }
  })
}
