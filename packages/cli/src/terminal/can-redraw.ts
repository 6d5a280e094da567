/** Whether lines can be drawn anew in place: on a terminal, unless `TERM` says that it knows no control sequences. */
export function canRedraw({ isTTY }: NodeJS.WriteStream): boolean {
  return isTTY === true && process.env.TERM !== 'dumb'
}
