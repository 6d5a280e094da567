/** Size of the area inside the axes, in pixels. */
export const plotWidth = 600
export const plotHeight = 320

export const ink = { text: '#262626', soft: '#595959', rule: '#8c8c8c', grid: '#e8e8e8' } as const

/** Okabe and Ito's palette, distinguishable with any kind of colour vision; the strongest on white come first. */
const palette = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#56B4E9', '#E69F00', '#000000'] as const

/** After the last colour, the colours repeat with the next pattern. */
const dashes = [[], [7, 4], [2, 3]] as const

/** The colour and dashes of the curve with this number, the same in the legend and for its name. */
export function curveStyle(index: number): { readonly color: string; readonly dash: readonly number[] } {
  return {
    color: palette[index % palette.length] ?? palette[0],
    dash: dashes[Math.floor(index / palette.length) % dashes.length] ?? [],
  }
}

/** Verdana is related to DejaVu and has the same widths, for viewers of the SVG that lack DejaVu. */
const font = 'DejaVu Sans, Verdana, Helvetica, sans-serif'

/** Vega-Lite's configuration for all charts: white, a light grid, no frame. */
export const chartConfig = {
  font,
  view: { stroke: null },
  title: {
    anchor: 'start',
    frame: 'group',
    offset: 14,
    fontSize: 17,
    fontWeight: 'bold',
    color: ink.text,
    subtitleFontSize: 12,
    subtitleColor: ink.soft,
    subtitlePadding: 6,
  },
  axis: {
    labelFontSize: 12,
    labelColor: ink.soft,
    titleFontSize: 13,
    titleFontWeight: 'normal',
    titleColor: ink.text,
    titlePadding: 12,
    labelPadding: 6,
    domain: false,
    ticks: false,
    grid: true,
    gridColor: ink.grid,
  },
  // With the same room for labels in every chart, the axis titles are at the same place.
  axisY: { minExtent: 40, maxExtent: 40 },
  axisX: { grid: false, domain: true, domainColor: ink.rule, ticks: true, tickColor: ink.rule },
  legend: {
    labelFontSize: 12,
    labelColor: ink.text,

    symbolStrokeWidth: 2.5,
    symbolSize: 260,
    rowPadding: 6,
    offset: 8,
  },
} as const
