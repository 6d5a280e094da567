// Measures the time that JavaScript spends in tfjs-node's native binding.

const parts = {
  runSavedModel: 'sessionMs',
  createTensor: 'copyMs',
  tensorDataSync: 'copyMs',
  deleteTensor: 'copyMs',
}

/**
 * Replaces the binding of a tfjs-node backend by one that times the functions called by a compiled step. Functions
 * compiled from then on use it. `read` returns the milliseconds since `reset` in TensorFlow's session and in copying
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
  // Wrap the binding, because its own properties are read-only.
  backend.binding = Object.create(binding, Object.fromEntries(Object.entries(parts).map(watched)))
  return { reset, read: () => times }
}
