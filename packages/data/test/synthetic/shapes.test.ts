import { expect, test } from 'vitest'
import { shapeNames, shapes } from '../../src/synthetic/shapes.ts'

/** Draws a shape as text, in steps of 256 units from −1024 to 1024: `#` inside, `.` outside. */
function picture(name: (typeof shapeNames)[number]): string[] {
  const shape = shapes[shapeNames.indexOf(name)]!
  const steps = [-1024, -768, -512, -256, 0, 256, 512, 768, 1024]
  return steps.map(v => steps.map(u => (shape(u, v) ? '#' : '.')).join(''))
}

test('every shape has a name', () => {
  expect(shapes).toHaveLength(10)
  expect(shapeNames).toHaveLength(10)
})

test('a cross is two bars', () => {
  expect(picture('cross')).toEqual([
    '...###...',
    '...###...',
    '...###...',
    '#########',
    '#########',
    '#########',
    '...###...',
    '...###...',
    '...###...',
  ])
})

test('a ring is a circle without its middle', () => {
  // Inside are the points with 600² ≤ u² + v² ≤ 1024²; (512, 256), for one, is 572 from the centre.
  expect(picture('ring')).toEqual([
    '....#....',
    '..#####..',
    '.##...##.',
    '.#.....#.',
    '##.....##',
    '.#.....#.',
    '.##...##.',
    '..#####..',
    '....#....',
  ])
})

test('a star has five points, the first at (0, 1024)', () => {
  const star = shapes[shapeNames.indexOf('star')]!
  const at = (degrees: number, radius: number) => {
    const angle = (degrees * Math.PI) / 180
    return star(Math.round(radius * Math.cos(angle)), Math.round(radius * Math.sin(angle)))
  }
  for (let point = 0; point < 5; point++) {
    // The points are at radius 1024, the corners between them at 1024 · cos 72° / cos 36° = 391.
    expect([at(90 + 72 * point, 980), at(126 + 72 * point, 380), at(126 + 72 * point, 410)]).toEqual([
      true,
      true,
      false,
    ])
  }
})

test('all shapes differ and end near their radius', () => {
  expect(new Set(shapeNames.map(name => picture(name).join('\n'))).size).toBe(10)
  for (const shape of shapes) {
    for (const [u, v] of [
      [1200, 0],
      [0, 1200],
      [-1200, 0],
      [0, -1200],
    ] as const)
      expect(shape(u, v)).toBe(false)
  }
})
