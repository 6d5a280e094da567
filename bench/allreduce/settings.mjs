// The settings of `pnpm bench allreduce`.
import { readFlags } from '../support/flags.mjs'
import { outFlag } from '../support/results.mjs'

/** The ways to compute the mean. `links` limits one to these links. */
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

/** Reads the settings from the flags. */
export function readSettings() {
  const values = readFlags(
    {
      workers: { value: 'LIST', help: 'processes', usual: '1,2,4,8,16,32,64' },
      sizes: { value: 'LIST', help: 'millions of parameters', usual: '0.25,2.5,25' },
      links: {
        value: 'LIST',
        help: 'links',
        of: links.map(({ id }) => id),
        usual: links.map(({ id }) => id).join(','),
      },
      topologies: {
        value: 'LIST',
        help: "lockstep's ways",
        of: ['shared', 'star', 'direct'],
        usual: 'shared,star,direct',
      },
      repeats: { value: 'N', help: 'interleaved rounds of the contestants of a cell', usual: 3 },
      minutes: {
        value: 'N',
        help: 'time for all; cells that do not fit in are listed with what they would take',
        usual: 14,
      },
      'without-gloo': { help: 'only lockstep' },
      out: { ...outFlag, help: 'folder for the results, as Markdown, JSON, SVG and PNG' },
    },
    { notes: 'Needs root, iproute2 and python3.' },
  )
  const list = name => values[name].split(',')
  const chosen = [...list('topologies'), ...(values['without-gloo'] ? [] : ['gloo'])]
  return {
    workers: list('workers').map(Number),
    elements: list('sizes').map(millions => Math.round(1e6 * Number(millions))),
    links: links.filter(({ id }) => list('links').includes(id)),
    contestants: contestants.filter(({ id }) => chosen.includes(id)),
    repeats: values.repeats,
    budgetMs: 60_000 * values.minutes,
    out: values.out,
  }
}
