// How long a cell of the table and how much memory it will take, by rule of thumb, so that none takes the machine away.

/** Bytes a millisecond that all processes of a small machine together pass through sockets. */
const machineBytesPerMs = 600_000

/** What a step costs beside its bytes, for each worker. */
const workerMs = 0.5

/** Resident memory of a process that holds no vectors yet. */
const processBytes = { node: 140e6, gloo: 60e6 }

/** Bytes through the link that most go through, one way after the other where that is how they go. */
export function busiestLinkBytes(contestant, workers, vectorBytes) {
  if (contestant === 'star' || contestant === 'shared') return 2 * workers * vectorBytes
  return (2 * (workers - 1) * vectorBytes) / workers
}

/** Bytes that all links carry together. */
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

/** The processes, which stay, and the vectors that a worker and the coordinator hold at once. */
export function estimateBytes({ id }, workers, vectorBytes) {
  if (id === 'gloo') return workers * (processBytes.gloo + 2 * vectorBytes)
  const held = id === 'star' ? { worker: 5, coordinator: 2 * workers + 4 } : { worker: 6, coordinator: workers + 6 }
  return (workers + 1) * processBytes.node + (workers * held.worker + held.coordinator) * vectorBytes
}
