// Gives a process only a share of the time, by stopping and continuing it in turns until it ends.
// node slow-down.mjs PID SHARE PERIOD_MS
const [pid, share, periodMs] = process.argv.slice(2).map(Number)
const sleeper = new Int32Array(new SharedArrayBuffer(4))
const sleep = ms => Atomics.wait(sleeper, 0, 0, ms)

while (signal('SIGCONT')) {
  sleep(share * periodMs)
  if (!signal('SIGSTOP')) break
  sleep((1 - share) * periodMs)
}

/** Returns false if the process no longer exists. */
function signal(name) {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}
