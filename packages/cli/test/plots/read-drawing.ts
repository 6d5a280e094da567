import { readFile } from 'node:fs/promises'
import { DOMParser, type Document, type Element } from '@xmldom/xmldom'

/** What an SVG of a chart shows, read back from its elements. */
export type ReadDrawing = {
  readonly title: string
  readonly subtitle: string
  readonly axisTitles: readonly string[]
  readonly epochTicks: readonly string[]
  readonly valueTicks: readonly string[]
  readonly legend: readonly string[]
  /** Texts inside the axes, such as the best value, without their halos. */
  readonly notes: readonly string[]
  /** Corner points of each curve, in pixels, with its colour. */
  readonly curves: readonly {
    readonly color: string
    readonly dash: string
    readonly points: readonly PixelPoint[]
  }[]
  /** Dots of all epochs, and a larger one of the best epoch. */
  readonly dots: readonly { readonly label: string; readonly radius: number }[]
  /** The colour of the rectangle behind everything. */
  readonly background: string
}

export type PixelPoint = readonly [x: number, y: number]

export async function readDrawing(file: string): Promise<ReadDrawing> {
  const svg = new DOMParser().parseFromString(await readFile(file, 'utf8'), 'image/svg+xml')
  const [epochAxis = [], valueAxis = []] = groups(svg, 'role-axis-label').map(textsOf)
  return {
    title: groups(svg, 'role-title-text').flatMap(textsOf).join(''),
    subtitle: groups(svg, 'role-title-subtitle').flatMap(textsOf).join(''),
    axisTitles: groups(svg, 'role-axis-title').flatMap(textsOf),
    epochTicks: epochAxis,
    valueTicks: valueAxis,
    legend: groups(svg, 'role-legend-label').flatMap(textsOf),
    notes: [...new Set(groups(svg, 'mark-text', 'role-mark').flatMap(textsOf))],
    curves: groups(svg, 'mark-line').flatMap(group => elements(group, 'path').map(readCurve)),
    dots: groups(svg, 'mark-symbol', 'role-mark').flatMap(group => elements(group, 'path').map(readDot)),
    background: elements(svg, 'rect')[0]?.getAttribute('fill') ?? '',
  }
}

function groups(root: Document, ...classes: readonly string[]): Element[] {
  return elements(root, 'g').filter(group => {
    const names = (group.getAttribute('class') ?? '').split(' ')
    return classes.every(name => names.includes(name))
  })
}

function elements(root: Document | Element, tag: string): Element[] {
  return Array.from(root.getElementsByTagName(tag))
}

function textsOf(group: Element): string[] {
  return elements(group, 'text').map(text => text.textContent ?? '')
}

/** `M0,10L20,30L…`: a curve of straight pieces. */
function readCurve(path: Element) {
  const corners = (path.getAttribute('d') ?? '').split(/[ML]/).slice(1)
  const points = corners.map(corner => corner.split(',').map(Number) as unknown as PixelPoint)
  return {
    color: path.getAttribute('stroke') ?? '',
    dash: path.getAttribute('stroke-dasharray') ?? '',
    points,
  }
}

/** `M2.55,0A2.55,…`: a circle about its centre. */
function readDot(path: Element) {
  const radius = Number((path.getAttribute('d') ?? '').slice(1).split(',')[0])
  return { label: path.getAttribute('aria-label') ?? '', radius }
}
