import type { Heard, Opinion } from '../../src/audit/opinion.ts'

/** An opinion that consists of one word, `NaN` if it is not finite, and whether it was accepted or dropped. */
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

/** `1: a` is the answer a of worker 1; `1: a a` is the same answer given twice. */
export function heardOf(...said: readonly string[]): readonly Heard[] {
  return said.map(text => {
    const [worker, ...words] = text.split(/:? /) as [string, string, string?]
    return { workerId: Number(worker), opinion: opinionOf(words[0]!), times: words.length === 2 ? 2 : 1 }
  })
}
