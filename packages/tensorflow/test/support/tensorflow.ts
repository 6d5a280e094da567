import { computeEnvironment } from '../../src/index.ts'
import { loadTensorFlow } from '../../src/load.ts'
import { provisionTensorFlow } from '../../src/provision.ts'
import { listen } from './machine.ts'

/** Makes native TensorFlow with one thread the backend of this process. */
export async function useTensorFlow(): Promise<void> {
  Object.assign(process.env, computeEnvironment(1))
  const { options, notices } = listen(process.env)
  const provisioned = await provisionTensorFlow(options)
  if (provisioned.backend !== 'tensorflow') throw new Error(`this test needs TensorFlow:\n${notices.join('\n')}`)
  await loadTensorFlow(provisioned)
}
