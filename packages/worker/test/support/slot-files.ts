import { createSlotFile, type SharedMemoryOffer } from '@lockstep/protocol'
import { onTestFinished } from 'vitest'

/** A desk and a board as a coordinator creates them, closed at the end of the test, and its offer of them. */
export function createSlotFiles(slotBytes: number) {
  const nonce = '5'.repeat(32)
  const [desk, board] = [createSlotFile('/dev/shm', slotBytes, nonce), createSlotFile('/dev/shm', slotBytes, nonce)]
  onTestFinished(() => {
    desk.close()
    board.close()
  })
  const offer: SharedMemoryOffer = { desk: desk.offer, board: board.offer, nonce, lane: null }
  return { desk, board, offer }
}
