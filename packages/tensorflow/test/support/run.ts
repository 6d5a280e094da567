import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type Run = { readonly status: number; readonly stdout: string; readonly stderr: string }

/** The path of a module of this folder. */
export function modulePath(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

/** Runs a module of this folder in a Node of its own. */
export function runModule(name: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<Run> {
  return new Promise(resolve => {
    execFile(process.execPath, [modulePath(name), ...args], { env: environment }, (error, stdout, stderr) =>
      resolve({ status: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr }),
    )
  })
}
