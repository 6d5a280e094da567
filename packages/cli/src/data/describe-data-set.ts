import { cifarClassNames, cifarFormats, countPerClass, type DataSet, dataSetSha256 } from '@lockstep/data'
import { formatCount } from '../terminal/format.ts'
import { formatTable } from '../terminal/table.ts'

/** `CIFAR-10 · 50,000 training and 10,000 test images · 10 classes`. */
export function titleOf(dataSet: DataSet): string {
  const { train, test, classNames } = dataSet
  const counts = `${formatCount(train.count)} training and ${formatCount(test.count)} test images`
  return `${nameOf(dataSet)} · ${counts} · ${classNames.length} classes`
}

/** Files with other than the official classes only have the format of CIFAR. */
function nameOf({ name, classNames }: DataSet): string {
  if (name === 'synthetic') return 'Synthetic shapes'
  const isOfficial = classNames.every((className, label) => className === cifarClassNames[name][label])
  const { title } = cifarFormats[name]
  return isOfficial ? title : `Files in the format of ${title}`
}

/** The lines of `data info`: the data set's location, its fingerprint, and the number of samples of each class. */
export function describeDataSet(dataSet: DataSet): readonly string[] {
  const classes = dataSet.classNames.length
  const train = countPerClass(dataSet.train, classes)
  const test = countPerClass(dataSet.test, classes)
  const rows = dataSet.classNames.map((name, label) => [
    String(label),
    name,
    formatCount(train[label]!),
    formatCount(test[label]!),
  ])
  return [
    titleOf(dataSet),
    `source   ${dataSet.source}`,
    `images   ${dataSet.imageShape.join(' × ')}, one byte a channel`,
    `SHA-256  ${dataSetSha256(dataSet)}`,
    '',
    ...formatTable(
      [
        { title: 'label', align: 'right' },
        { title: 'class' },
        { title: 'train', align: 'right' },
        { title: 'test', align: 'right' },
      ],
      rows,
    ),
  ]
}
