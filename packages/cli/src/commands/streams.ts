/** Where a command writes: results, and what is to be known about them. */
export type CommandStreams = {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
}

/** The same for a command that shows its progress. */
export type ProgressStreams = CommandStreams & { readonly stderr: NodeJS.WriteStream }
