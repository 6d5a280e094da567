import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type Run = { readonly status: number; readonly stdout: string; readonly stderr: string }

/** The path of a module of this folder. */
export function modulePath(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

/** Runs a module of this folder in a separate Node process. */
export function runModule(name: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<Run> {
  return run([process.execPath, modulePath(name), ...args], environment)
}

/**
 * As `runModule`, in a process to which the modes of files and folders apply. To root they do not apply unless the
 * capability is dropped; without it, root is still the owner of its checkout and its cache.
 */
export function runBoundByModes(name: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<Run> {
  const bound = ['setpriv', '--bounding-set=-dac_override,-dac_read_search']
  return run([...(process.getuid!() === 0 ? bound : []), process.execPath, modulePath(name), ...args], environment)
}

function run([command, ...args]: readonly string[], environment: NodeJS.ProcessEnv): Promise<Run> {
  return new Promise(resolve => {
    execFile(command!, args, { env: environment }, (error, stdout, stderr) =>
      resolve({ status: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr }),
    )
  })
}
