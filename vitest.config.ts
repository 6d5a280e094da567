import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const packages = readdirSync(new URL('packages', import.meta.url))

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: packages.map(name => ({
      extends: true,
      test: {
        name: `@lockstep/${name}`,
        root: fileURLToPath(new URL(`packages/${name}`, import.meta.url)),
        include: ['test/**/*.test.ts'],
        setupFiles: [fileURLToPath(new URL('vitest.setup.ts', import.meta.url))],
        // Several times what the longest takes on two cores: other programs may compete for them.
        testTimeout: 300_000,
        expect: { poll: { timeout: 30_000 } },
        hookTimeout: 600_000,
        // Tests say what they have to say by failing: a message on the console is a mistake.
        onConsoleLog: log => {
          throw new Error(`a test has printed to the console: ${log}`)
        },
      },
    })),
  },
})
