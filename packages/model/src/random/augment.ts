import { LockstepError } from '@lockstep/protocol'
import { tf } from '../tfjs.ts'
import { sampleUniform } from './sample-uniform.ts'

/** Layers use the streams from 0 up. */
const augmentStream = -1
/** Halfway between black and white, near the mean of photographs. */
const grey = 128

/** Numbers in [0, 1), one for each sample: [n, 1]. */
type Draw = tf.Tensor
/** For each sample and each position along an axis: float32 or int32 [n, size]. */
type AlongAxis = tf.Tensor

/**
 * Augments images at random, each by its own key: pixels [n, height, width, channels] in 0..255 and keys int32 [n] give
 * pixels of the same shape and type.
 *
 * - Crop: the image moves by up to an eighth of its size (4 of 32 pixels) along each axis. Its reflection fills the
 *   borders (Zagoruyko and Komodakis 2016): unlike black bars it resembles the rest of the image.
 * - Flip: each image is mirrored left to right with probability 1/2.
 * - Cutout (DeVries and Taylor 2017): a square of a quarter of the size (8 of 32 pixels) around a random pixel becomes
 *   grey; it may extend beyond the image. The paper found 16 best for wide nets on CIFAR-10 and 8 on CIFAR-100. Small
 *   nets overfit less, so they get the smaller square.
 *
 * All arithmetic is exact, so the result is the same to the bit on every backend.
 *
 * @throws LockstepError `augment-not-images` for samples of another rank.
 */
export function augment(pixels: tf.Tensor, keys: tf.Tensor1D): tf.Tensor4D {
  const [count, height, width, channels] = imageShape(pixels)
  return tf.tidy(() => {
    const draws = tf.split(sampleUniform(keys, augmentStream, [5]), 5, 1)
    const [moveY, moveX, flip, centerY, centerX] = draws as [Draw, Draw, Draw, Draw, Draw]
    // A row for each pixel, then a grey one.
    const fill: tf.Tensor = tf.fill([1, channels], grey, pixels.dtype as 'float32' | 'int32')
    const table = tf.concat([tf.reshape(pixels, [-1, channels]), fill])
    const greyRow = count * height * width

    const rows = moved(positions(height), moveY, height)
    const columns = moved(mirrored(positions(width), flip, width), moveX, width)
    const starts = tf.reshape(tf.range(0, greyRow, height * width, 'int32'), [count, 1])
    const rowStarts = tf.add(tf.cast(tf.mul(rows, width), 'int32'), starts)
    const index = tf.add(vertical(rowStarts), horizontal(tf.cast(columns, 'int32')))
    const cut = tf.minimum(vertical(whereCut(centerY, height, greyRow)), horizontal(whereCut(centerX, width, greyRow)))
    const source = tf.reshape(tf.maximum(index, cut), [greyRow, 1])
    return tf.reshape(tf.gatherND(table, source), [count, height, width, channels])
  })
}

function positions(size: number): AlongAxis {
  return tf.reshape(tf.range(0, size), [1, size])
}

/** An integer from 0 to `bound` − 1. */
function below(bound: number, draw: Draw): tf.Tensor {
  return tf.floor(tf.mul(draw, bound))
}

/** Moves positions along the axis by up to an eighth of its size and reflects them at its ends: −1 becomes 1. */
function moved(along: AlongAxis, draw: Draw, size: number): AlongAxis {
  const reach = Math.floor(size / 8)
  const beyond = tf.add(along, tf.sub(below(2 * reach + 1, draw), reach))
  return tf.sub(size - 1, tf.abs(tf.sub(size - 1, tf.abs(beyond))))
}

function mirrored(along: AlongAxis, draw: Draw, size: number): AlongAxis {
  return tf.abs(tf.sub(along, tf.mul(below(2, draw), size - 1)))
}

/** `mark` for the positions in a window around a random position and 0 elsewhere, int32. */
function whereCut(draw: Draw, size: number, mark: number): AlongAxis {
  const extent = Math.floor(size / 4)
  const start = tf.sub(below(size, draw), Math.floor(extent / 2))
  const fromMiddle = tf.sub(tf.sub(positions(size), start), (extent - 1) / 2)
  const inside = tf.less(tf.abs(fromMiddle), extent / 2)
  return tf.mul(tf.cast(inside, 'int32'), tf.scalar(mark, 'int32'))
}

function vertical(along: AlongAxis): tf.Tensor {
  return tf.reshape(along, [...along.shape, 1])
}

function horizontal(along: AlongAxis): tf.Tensor {
  return tf.reshape(along, [along.shape[0]!, 1, along.shape[1]!])
}

function imageShape({ shape }: tf.Tensor): readonly [number, number, number, number] {
  if (shape.length === 4) return shape as [number, number, number, number]
  throw new LockstepError('augment-not-images', 'only images can be augmented', {
    kind: 'usage',
    expected: 'samples of height, width and channels',
    received: `samples of shape [${shape.slice(1).join(', ')}]`,
    hint: 'Train this model without --augment.',
  })
}
