// What `pnpm bench allreduce` is asked for.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** Ways to come to the mean. `links` limits one to those links. */
export const contestants = [
  { id: 'shared', title: 'star, shared memory', topology: 'star', shareMemory: true, links: ['loopback'] },
  { id: 'star', title: 'star', topology: 'star', shareMemory: false },
  { id: 'direct', title: 'direct', topology: 'direct', shareMemory: false },
  { id: 'gloo', title: 'gloo' },
]

export const links = [
  { id: 'loopback', title: 'loopback' },
  { id: '1gbit', title: '1 Gbit/s', bytesPerMs: 125_000 },
  { id: '100mbit', title: '100 Mbit/s', bytesPerMs: 12_500 },
  { id: '20ms', title: 'round trip of 20 ms', roundTripMs: 20 },
]

const usual = {
  workers: '1,2,4,8,16,32,64',
  sizes: '0.25,2.5,25',
  links: links.map(({ id }) => id).join(','),
  topologies: 'shared,star,direct',
  repeats: '3',
  minutes: '14',
}

/** The settings, or null when help was asked for and given. */
export function readSettings() {
  const text = name => ({ type: 'string', default: usual[name] })
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(Object.keys(usual).map(name => [name, text(name)])),
      'without-gloo': { type: 'boolean', default: false },
      out: { type: 'string', default: fileURLToPath(new URL('../results', import.meta.url)) },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage())
    return null
  }
  const list = name => values[name].split(',')
  const chosen = [...list('topologies'), ...(values['without-gloo'] ? [] : ['gloo'])]
  return {
    workers: list('workers').map(Number),
    elements: list('sizes').map(millions => Math.round(1e6 * Number(millions))),
    links: links.filter(({ id }) => list('links').includes(id)),
    contestants: contestants.filter(({ id }) => chosen.includes(id)),
    repeats: Number(values.repeats),
    budgetMs: 60_000 * Number(values.minutes),
    out: values.out,
  }
}

function usage() {
  return `pnpm bench allreduce [flags]        needs root, iproute2 and python3

  --workers LIST      processes (${usual.workers})
  --sizes LIST        millions of parameters (${usual.sizes})
  --links LIST        of ${usual.links} (all)
  --topologies LIST   of ${usual.topologies} (all)
  --repeats N         interleaved rounds of the contestants of a cell (${usual.repeats})
  --minutes M         time for all; cells that do not fit in are listed with what they would take (${usual.minutes})
  --without-gloo      only lockstep
  --out DIR           folder of allreduce.md, .json, .svg and .png (bench/results)
`
}
