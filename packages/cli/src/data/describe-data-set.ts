import { countPerClass, type DataSet, dataSetSha256 } from '@lockstep/data'
import { formatCount } from '../terminal/format.ts'
import { formatTable } from '../terminal/table.ts'

/** `CIFAR-10 · 50,000 training and 10,000 test images · 10 classes`. */
export function titleOf({ name, train, test, classNames }: DataSet): string {
  const counts = `${formatCount(train.count)} training and ${formatCount(test.count)} test images`
  return `${titles[name]} · ${counts} · ${classNames.length} classes`
}

const titles: Readonly<Record<DataSet['name'], string>> = {
  cifar10: 'CIFAR-10',
  cifar100: 'CIFAR-100',
  synthetic: 'Synthetic shapes',
}

/** The lines of `data info`: where the data set lies, its fingerprint, and how many samples each class has. */
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
