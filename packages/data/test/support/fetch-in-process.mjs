// Fetches in a separate process. The argument is { format, folder } as JSON. Prints the number of training samples.
import { fetchCifar } from '../../dist/index.js'

const { format, folder } = JSON.parse(process.argv[2])
const dataSet = await fetchCifar({
  format,
  folder,
  environment: {},
  onProgress: () => undefined,
  onNotice: notice => process.stderr.write(`${notice}\n`),
})
process.stdout.write(String(dataSet.train.count))
