// Estimates the time and memory of a cell of the table, so that no cell overloads the machine.

/** Bytes per millisecond that all processes of a small machine together send through sockets. */
const machineBytesPerMs = 600_000

/** Time of a step for each worker, besides the time for its bytes. */
const workerMs = 0.5

/** Resident memory of a process without vectors. */
const processBytes = { node: 140e6, gloo: 60e6 }

/** Bytes through the busiest link; both directions count where they follow one another. */
export function busiestLinkBytes(contestant, workers, vectorBytes) {
  if (contestant === 'star' || contestant === 'shared') return 2 * workers * vectorBytes
  return (2 * (workers - 1) * vectorBytes) / workers
}

/** Bytes through all links together. */
export function totalBytes(contestant, workers, vectorBytes) {
  if (contestant === 'star' || contestant === 'shared') return 2 * workers * vectorBytes
  return 2 * (workers - 1) * vectorBytes + (contestant === 'direct' ? vectorBytes : 0)
}

export function estimateMs({ id }, link, workers, vectorBytes) {
  const inMachine = totalBytes(id, workers, vectorBytes) / machineBytesPerMs + workerMs * workers
  const copyBytes = id === 'direct' ? vectorBytes : 0
  const onLink =
    (busiestLinkBytes(id, workers, vectorBytes) + copyBytes) / (link.bytesPerMs ?? Number.POSITIVE_INFINITY)
  const rounds = id === 'gloo' ? Math.max(2, workers) : 4
  return Math.max(inMachine, onLink) + rounds * (link.roundTripMs ?? 0)
}

/** Memory of the processes, which stay, and of the vectors that workers and coordinator hold at the same time. */
export function estimateBytes({ id }, workers, vectorBytes) {
  if (id === 'gloo') return workers * (processBytes.gloo + 2 * vectorBytes)
  const held = id === 'star' ? { worker: 5, coordinator: 2 * workers + 4 } : { worker: 6, coordinator: workers + 6 }
  return (workers + 1) * processBytes.node + (workers * held.worker + held.coordinator) * vectorBytes
}
