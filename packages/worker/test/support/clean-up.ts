const tasks: (() => unknown)[] = []

/** Has something done at the next `cleanUp`, the last one first. */
export function later(task: () => unknown): void {
  tasks.push(task)
}

/** For `afterEach`, and for hooks that start something themselves. */
export async function cleanUp(): Promise<void> {
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) await task()
}
