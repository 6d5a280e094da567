/** Whether lines can be redrawn in place: on a terminal, unless `TERM` says that it has no control sequences. */
export function canRedraw({ isTTY }: NodeJS.WriteStream): boolean {
  return isTTY === true && process.env.TERM !== 'dumb'
}
