const tasks: (() => unknown)[] = []

/** Schedules a task for the next `cleanUp`, which runs the last one first. */
export function later(task: () => unknown): void {
  tasks.push(task)
}

/** For `afterEach`, and for hooks that start something themselves. */
export async function cleanUp(): Promise<void> {
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) await task()
}
