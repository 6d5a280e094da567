import fc from 'fast-check'

// Property tests draw the same examples in every run: a suite that passes passes again. To look further, draw others or
// more: LOCKSTEP_FUZZ_SEED=7 LOCKSTEP_FUZZ_RUNS=5000 pnpm vitest run packages/model/test/gradient/random-branches.test.ts
const { LOCKSTEP_FUZZ_SEED: seed = '20261124', LOCKSTEP_FUZZ_RUNS: runs } = process.env
fc.configureGlobal({ seed: Number(seed), ...(runs === undefined ? {} : { numRuns: Number(runs) }) })
