// Installs the wheel described in argument 1 and kills itself, as by `kill -9`, at the first progress report whose
// label begins with argument 2.
import { ensureCachedLibrary } from '../../dist/library.js'

const [source, label, cacheFolder] = process.argv.slice(2)
await ensureCachedLibrary(JSON.parse(source), {
  cacheFolder,
  environment: process.env,
  offline: false,
  onNotice: () => {},
  onProgress: progress => {
    if (progress.label.startsWith(label)) process.kill(process.pid, 'SIGKILL')
  },
})
