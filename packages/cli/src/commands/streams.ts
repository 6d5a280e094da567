/** The streams of a command: `stdout` for results, `stderr` for messages about them. */
export type CommandStreams = {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
}

/** The streams of a command that shows its progress on `stderr`. */
export type ProgressStreams = CommandStreams & { readonly stderr: NodeJS.WriteStream }
