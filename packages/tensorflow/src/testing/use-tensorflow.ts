import { computeEnvironment } from '../compute-environment.ts'
import { loadTensorFlow } from '../load.ts'
import { provisionTensorFlow } from '../provision.ts'

/** Makes native TensorFlow with one thread the backend of this process, and installs it if this machine lacks it. */
export async function useTensorFlow(): Promise<void> {
  Object.assign(process.env, computeEnvironment(1))
  const notices: string[] = []
  const provisioned = await provisionTensorFlow({
    environment: process.env,
    offline: false,
    onProgress: () => {},
    onNotice: text => notices.push(text),
  })
  if (provisioned.backend !== 'tensorflow') throw new Error(`this test needs TensorFlow:\n${notices.join('\n')}`)
  await loadTensorFlow(provisioned)
}
