/**
 * Where a worker's time goes, in the order of their numbers in a `gradient` message:
 * nothing is due; an update or samples are read; the step is applied; the gradient is computed; it is made ready to
 * leave; it is handed to the connection.
 */
export const workerPhases = ['wait', 'receive', 'optimizer', 'compute', 'encode', 'send'] as const
export type WorkerPhase = (typeof workerPhases)[number]

/**
 * Where the coordinator's time goes: samples are read and sent; nothing has come; an answer is taken in; gradients are
 * combined; the mean is made ready and sent; the step is applied; all else, such as progress and checkpoints.
 */
export const coordinatorPhases = ['prepare', 'wait', 'receive', 'reduce', 'send', 'optimizer', 'other'] as const
export type CoordinatorPhase = (typeof coordinatorPhases)[number]
