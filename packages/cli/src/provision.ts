import { type Provisioned, provisionTensorFlow } from '@lockstep/tensorflow'
import { createProgressBar } from './terminal/progress.ts'

/** Installs TensorFlow on this machine if necessary, with a progress bar and notices on the stream. */
export async function provision(offline: boolean, stream: NodeJS.WriteStream): Promise<Provisioned> {
  const bar = createProgressBar(stream)
  try {
    return await provisionTensorFlow({
      environment: process.env,
      offline,
      onProgress: bar.update,
      onNotice: text => stream.write(`${text}\n`),
    })
  } finally {
    bar.stop()
  }
}
