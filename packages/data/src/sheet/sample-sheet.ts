import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type DataSet, type ImageSplit, imageBytes } from '../data-set.ts'
import { firstOfEachClass } from './first-of-each-class.ts'

/** Sizes in pixels of the sheet. Images are drawn at twice their size. */
const tile = 64
const gap = 4
const margin = 24
const headingHeight = 44
const columnGap = 28

/** A few classes fit in one column with many samples each; a hundred need four columns. */
type Arrangement = { readonly columns: number; readonly samples: number; readonly labelWidth: number }

/**
 * Draws the first training samples of each class beside the class's name, as a PNG. Every pixel of an image becomes 2 ×
 * 2 pixels.
 */
export async function renderSampleSheet(dataSet: DataSet, title: string): Promise<Uint8Array> {
  const { Resvg } = await import('@resvg/resvg-js')
  const fonts = join(dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json')), 'ttf')
  const font = {
    loadSystemFonts: false,
    fontFiles: ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map(file => join(fonts, file)),
    defaultFontFamily: 'DejaVu Sans',
  }
  return new Resvg(await drawSampleSheet(dataSet, title), { font }).render().asPng()
}

/** Draws the sheet as SVG. */
export async function drawSampleSheet(dataSet: DataSet, title: string): Promise<string> {
  const classes = dataSet.classNames.length
  const { columns, samples, labelWidth }: Arrangement =
    classes > 20 ? { columns: 4, samples: 6, labelWidth: 134 } : { columns: 1, samples: 14, labelWidth: 120 }
  const rows = Math.ceil(classes / columns)
  const columnWidth = labelWidth + samples * (tile + gap) - gap
  const width = 2 * margin + columns * (columnWidth + columnGap) - columnGap
  const height = 2 * margin + headingHeight + rows * (tile + gap) - gap
  const { encode } = await import('fast-png')
  const found = firstOfEachClass(dataSet.train, classes, samples)
  const lines = found.map((indices, label) => {
    const x = margin + Math.floor(label / rows) * (columnWidth + columnGap)
    const y = margin + headingHeight + (label % rows) * (tile + gap)
    const images = indices.map((index, position) => {
      const png = encode({ width: 32, height: 32, channels: 3, data: pixelsOf(dataSet.train, index) })
      return drawImage(png, x + labelWidth + position * (tile + gap), y)
    })
    return [drawLabel(dataSet.classNames[label]!, x + labelWidth - 12, y + tile / 2), ...images].join('\n')
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="DejaVu Sans">`,
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    `<text x="${margin}" y="${margin + 16}" font-size="18" font-weight="bold" fill="#1a1a1a">${escapeXml(title)}</text>`,
    ...lines,
    '</svg>',
  ].join('\n')
}

function drawLabel(name: string, right: number, middle: number): string {
  const text = escapeXml(name.replaceAll('_', ' '))
  return `<text x="${right}" y="${middle + 5}" font-size="14" text-anchor="end" fill="#333333">${text}</text>`
}

function drawImage(png: Uint8Array, x: number, y: number): string {
  const data = Buffer.from(png).toString('base64')
  const place = `x="${x}" y="${y}" width="${tile}" height="${tile}"`
  return `<image ${place} image-rendering="optimizeSpeed" href="data:image/png;base64,${data}"/>`
}

function pixelsOf(split: ImageSplit, index: number): Uint8Array {
  return split.pixels.subarray(index * imageBytes, (index + 1) * imageBytes)
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
