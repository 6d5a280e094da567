/**
 * The phases of a worker's time, in the order of their numbers in a `gradient` message: nothing is due; reading an
 * update or samples; applying the step; computing the gradient; preparing it for sending; handing it to the connection.
 */
export const workerPhases = ['wait', 'receive', 'optimizer', 'compute', 'encode', 'send'] as const
export type WorkerPhase = (typeof workerPhases)[number]

/**
 * The phases of the coordinator's time: reading and sending samples; nothing has arrived; taking in an answer; reducing
 * gradients; preparing and sending the mean; applying the step; everything else, such as progress and checkpoints.
 */
export const coordinatorPhases = ['prepare', 'wait', 'receive', 'reduce', 'send', 'optimizer', 'other'] as const
export type CoordinatorPhase = (typeof coordinatorPhases)[number]
