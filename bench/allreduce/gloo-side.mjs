// All-reduces of gloo, PyTorch's communication library for CPUs, with as many processes as lockstep has workers.
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { startProcess } from '../gradient/contestant-process.mjs'
import { torchPython } from '../support/python.mjs'
import { readTraffic } from './proc.mjs'

/** Each rendezvous uses a new port, because its connections keep the old one busy for a while. */
const firstPort = 29_500
const ports = 1000

/** Null if PyTorch is not available. */
export async function createGloo() {
  const python = torchPython()
  if (python === null) return null
  const script = fileURLToPath(new URL('../baselines/allreduce/gloo_ranks.py', import.meta.url))
  const { ask, end } = startProcess([python, script], availableParallelism())
  const versions = await ask({ do: 'hello' })
  let rendezvous = 0

  async function open({ network: { hosts, interfaceName }, workers, elements }) {
    const places = hosts.slice(1, workers + 1)
    const port = firstPort + (rendezvous++ % ports)
    const [{ address }] = places
    const namespaces = places.map(({ name }) => name)
    const { pids } = await ask({ do: 'open', namespaces, elements, interface: interfaceName, address, port })
    const measure = async iterations => (await ask({ do: 'measure', iterations })).ms.map(ms => ({ ms, isEven: true }))
    return {
      counters: () => ({ workers: pids.map(pid => readTraffic(pid, interfaceName)) }),
      settle: measure,
      measure,
      close: () => ask({ do: 'close' }),
    }
  }

  return { open, end, versions }
}
