// A process that runs seeds and sends the outcome of each. The second argument is the checkout whose simulation it
// runs.
import { pathToFileURL } from 'node:url'

const [order, root = new URL('../..', import.meta.url).pathname] = process.argv.slice(2)
const { simulateSeed } = await import(pathToFileURL(`${root}/packages/simulation/dist/index.js`))
const { from, until, step } = JSON.parse(order)

for (let seed = from; seed < until; seed += step) {
  const { violation, inflicted, groups, events, simulatedMs } = await simulateSeed(seed)
  process.send({ seed, violation, inflicted: inflicted.map(({ kind }) => kind), groups, events, simulatedMs })
}
process.disconnect()
