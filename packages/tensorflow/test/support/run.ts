import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type Run = { readonly status: number; readonly stdout: string; readonly stderr: string }

/** Runs a module of this folder in a Node of its own. */
export function runModule(name: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<Run> {
  const file = fileURLToPath(new URL(name, import.meta.url))
  return new Promise(resolve => {
    execFile(process.execPath, [file, ...args], { env: environment }, (error, stdout, stderr) =>
      resolve({ status: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr }),
    )
  })
}
