import { computeEnvironment, type Provisioned, provisionTensorFlow } from '@lockstep/tensorflow'

/** TensorFlow as this machine has it, for one thread, without its log lines on the console. */
export async function provisionForTests(): Promise<Provisioned> {
  Object.assign(process.env, computeEnvironment(1))
  return provisionTensorFlow({
    environment: process.env,
    offline: false,
    onProgress: () => undefined,
    onNotice: () => undefined,
  })
}
