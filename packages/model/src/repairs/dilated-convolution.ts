import * as tf from '@tensorflow/tfjs'
import { type LayerClass, repairCall } from './layer-class.ts'

type Pair = [number, number]
type ConvolutionAttributes = {
  readonly pad: 'valid' | 'same' | number
  readonly dataFormat?: 'NHWC' | 'NCHW'
  readonly dilations: number | Pair | null
}

/** The fields of a Conv2D layer that determine its output. */
type Conv2D = tf.layers.Layer & {
  readonly kernel: tf.LayerVariable
  readonly bias: tf.LayerVariable | null
  readonly strides: Pair
  readonly padding: 'valid' | 'same'
  readonly dilationRate: Pair
  readonly dataFormat: 'channelsFirst' | 'channelsLast'
  readonly activation: { readonly apply: (x: tf.Tensor) => tf.Tensor }
}

/** Adds the gradients of dilated convolutions; tfjs has only those of dense ones. */
export function repairDilatedConvolutions(): void {
  repairGradient('Conv2D', false)
  repairGradient('DepthwiseConv2dNative', true)
  repairCall(tf.layers.conv2d({ filters: 1, kernelSize: 1 }).constructor as LayerClass<Conv2D>, convolveDilated)
}

/**
 * A convolution dilated by d is a dense one on every d-th row and column. spaceToBatch gathers these, as in
 * TensorFlow's `with_space_to_batch`.
 */
function repairGradient(kernelName: 'Conv2D' | 'DepthwiseConv2dNative', depthwise: boolean): void {
  const dense = tf.getGradient(kernelName)
  tf.registerGradient({
    ...dense,
    gradFunc: (dy, saved, attributes) => {
      const { dilations, pad, dataFormat } = attributes as unknown as ConvolutionAttributes
      const rates = toPair(dilations ?? 1)
      if (isDense(rates) || dataFormat === 'NCHW') return dense.gradFunc(dy, saved, attributes)
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D]
      const { paddings, excess } = gridPaddings(x.shape, filter.shape, rates, pad, depthwise)
      const gathered = tf.spaceToBatchND(x, rates, paddings)
      const gatheredDy = tf.spaceToBatchND(
        dy as tf.Tensor,
        rates,
        excess.map(size => [0, size]),
      )
      const plain = { ...attributes, pad: 'valid', dilations: [1, 1] }
      const gradients = dense.gradFunc(gatheredDy, [gathered, filter], plain)
      return { ...gradients, x: () => tf.batchToSpaceND(gradients.x!(), rates, paddings) }
    },
  })
}

/** The convolution's own padding, and the extra padding at the end that makes the rates divide height and width. */
function gridPaddings(
  shape: tf.Tensor4D['shape'],
  filterShape: tf.Tensor4D['shape'],
  rates: Pair,
  pad: ConvolutionAttributes['pad'],
  depthwise: boolean,
) {
  const info = tf.backend_util.computeConv2DInfo(shape, filterShape, 1, rates, pad, undefined, depthwise)
  const { top, bottom, left, right } = info.padInfo
  const [height, width] = [shape[1] + top + bottom, shape[2] + left + right]
  const excess = [-height, -width].map((negative, axis) => ((negative % rates[axis]!) + rates[axis]!) % rates[axis]!)
  return {
    excess,
    paddings: [
      [top, bottom + excess[0]!],
      [left, right + excess[1]!],
    ],
  }
}

/** A Conv2D layer fuses convolution and bias into one operation, whose own gradient refuses dilation. */
function convolveDilated(layer: Conv2D, inputs: tf.Tensor): tf.Tensor | undefined {
  if (isDense(layer.dilationRate)) return undefined
  const channelsFirst = layer.dataFormat === 'channelsFirst'
  const x = (channelsFirst ? tf.transpose(inputs, [0, 2, 3, 1]) : inputs) as tf.Tensor4D
  const kernel = layer.kernel.read() as tf.Tensor4D
  const product = tf.conv2d(x, kernel, layer.strides, layer.padding, 'NHWC', layer.dilationRate)
  const sum = layer.bias === null ? product : tf.add(product, layer.bias.read())
  return layer.activation.apply(channelsFirst ? tf.transpose(sum, [0, 3, 1, 2]) : sum)
}

function toPair(rate: number | Pair): Pair {
  return typeof rate === 'number' ? [rate, rate] : rate
}

function isDense(rates: Pair): boolean {
  return rates.every(rate => rate === 1)
}
