import { createRequire } from 'node:module'
import type { TopLevelSpec } from 'vega-lite'
import { type Chart, describeChart } from './chart.ts'

export type Drawing = {
  readonly svg: string
  readonly png: Uint8Array
}

/** Pixels of the PNG for each pixel of the SVG. */
const pngScale = 2

const fontFiles = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf']

export function drawChart(chart: Chart): Promise<Drawing> {
  return drawSpec(describeChart(chart))
}

/**
 * Draws a Vega-Lite specification without a browser and without this machine's fonts, so that it looks the same
 * everywhere. Loads the drawing libraries only here, so that other commands start without them.
 */
export async function drawSpec(spec: TopLevelSpec): Promise<Drawing> {
  const [{ parse, View }, { compile }] = await Promise.all([import('vega'), import('vega-lite')])
  const view = new View(parse(compile(spec).spec), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  return { svg, png: await rasterize(svg) }
}

async function rasterize(svg: string): Promise<Uint8Array> {
  const { renderAsync } = await import('@resvg/resvg-js')
  const { resolve } = createRequire(import.meta.url)
  const image = await renderAsync(svg, {
    fitTo: { mode: 'zoom', value: pngScale },
    font: {
      fontFiles: fontFiles.map(file => resolve(`dejavu-fonts-ttf/ttf/${file}`)),
      loadSystemFonts: false,
      defaultFontFamily: 'DejaVu Sans',
    },
  })
  return image.asPng()
}
