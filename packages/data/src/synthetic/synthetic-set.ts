import { type DataSet, type ImageSplit, imageBytes, imageShape } from '../data-set.ts'
import { palette } from './colors.ts'
import { drawSample, type Subject } from './draw-sample.ts'
import { shapeNames, shapes } from './shapes.ts'

/** The seed of the embedded data set. */
export const syntheticSeed = 1
/** Enough for the reference net to pass 90 % within five epochs, and drawn in about a second. */
const trainCount = 15_000
const testCount = 3_000

/** Classes of a synthetic set in label order: how each is drawn and called. */
type SyntheticClass = { readonly name: string; readonly subject: Subject }

const shapeClasses: readonly SyntheticClass[] = shapes.map((shape, index) => ({
  name: shapeNames[index]!,
  subject: { shape },
}))

/** Every shape in every colour of the palette; class 10 · shape + colour. */
const coloredShapeClasses: readonly SyntheticClass[] = shapes.flatMap((shape, index) =>
  palette.map(({ name, color }) => ({ name: `${name} ${shapeNames[index]}`, subject: { shape, color } })),
)

/** Of classes 5 n … 5 n + 4 in `createColoredShapes`: each shape in warm and in cool colours. */
export const coloredShapeSuperclasses: readonly string[] = shapeNames.flatMap(name => [`warm ${name}`, `cool ${name}`])

/**
 * The embedded data set: 15,000 training and 3,000 test images of ten shapes, drawn in integer arithmetic from a seed,
 * the same bytes on every machine. Classes take turns, so every part of the set holds about as many of each.
 */
export function createShapes(seed = syntheticSeed): DataSet {
  return createSet('synthetic', shapeClasses, seed)
}

/** The same with a hundred classes, ten shapes in ten colours each, to stand in for CIFAR-100. */
export function createColoredShapes(seed = syntheticSeed): DataSet {
  return createSet('cifar100', coloredShapeClasses, seed)
}

function createSet(name: DataSet['name'], classes: readonly SyntheticClass[], seed: number): DataSet {
  return {
    name,
    imageShape,
    classNames: classes.map(each => each.name),
    train: drawSplit(classes, seed, 0, trainCount),
    test: drawSplit(classes, seed, trainCount, testCount),
    source: 'embedded',
  }
}

function drawSplit(classes: readonly SyntheticClass[], seed: number, firstSample: number, count: number): ImageSplit {
  const pixels = new Uint8Array(count * imageBytes)
  const labels = new Uint8Array(count)
  for (let index = 0; index < count; index++) {
    const label = index % classes.length
    labels[index] = label
    const canvas = pixels.subarray(index * imageBytes, (index + 1) * imageBytes)
    drawSample(canvas, classes[label]!.subject, seed, firstSample + index)
  }
  return { count, pixels, labels }
}
