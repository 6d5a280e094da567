/** Where a data command writes: results, and progress and notices. */
export type DataStreams = { readonly stdout: NodeJS.WritableStream; readonly stderr: NodeJS.WriteStream }
