// Takes the time that JavaScript spends inside tfjs-node's native binding.

const parts = {
  runSavedModel: 'sessionMs',
  createTensor: 'copyMs',
  tensorDataSync: 'copyMs',
  deleteTensor: 'copyMs',
}

/**
 * Gives a backend of tfjs-node a binding with a stopwatch around the functions that a compiled step calls. Functions
 * compiled from then on use it. `read` gives the milliseconds since `reset` in TensorFlow's session and in copying
 * tensors in and out.
 */
export function watchBinding(backend) {
  const { binding } = backend
  let times
  const reset = () => {
    times = { sessionMs: 0, copyMs: 0 }
  }
  const watched = ([name, part]) => {
    const value = (...args) => {
      const startedAtMs = performance.now()
      const result = binding[name](...args)
      times[part] += performance.now() - startedAtMs
      return result
    }
    return [name, { value }]
  }
  reset()
  // The binding's own properties cannot be written.
  backend.binding = Object.create(binding, Object.fromEntries(Object.entries(parts).map(watched)))
  return { reset, read: () => times }
}
