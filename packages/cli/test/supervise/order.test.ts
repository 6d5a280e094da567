import { describe, expect, test } from 'vitest'
import { launchDefaults } from '../../src/flags/launch-options.ts'
import { orderNext } from '../../src/supervise/order.ts'

const launch = { ...launchDefaults, listen: '[::1]:0', runDir: null, trace: 'trace.json', workers: 4 }
const provisioned = { backend: 'wasm', version: '4.22.0', reason: 'a test' } as const
const request = { settings: { launch, config: { seed: 3 } }, resume: null, hasLocalWorkers: true, token: 'secret' }

describe('the order for a coordinator', () => {
  test('is the user’s request at first', () => {
    const order = orderNext(request, { folder: null, canResume: false, port: null, provisioned: null })
    expect(order).toEqual({ ...request, isFirst: true, provisioned: null })
  })

  test('is the same request with the chosen folder after a crash before the run has begun', () => {
    const order = orderNext(request, { folder: 'runs/a', canResume: false, port: null, provisioned: null })
    expect(order).toEqual({
      ...request,
      settings: { ...request.settings, launch: { ...launch, runDir: 'runs/a' } },
      isFirst: true,
      provisioned: null,
    })
  })

  test('resumes the run at the same port with at least one worker after a later crash', () => {
    const given = { ...request, settings: { ...request.settings, launch: { ...launch, runDir: 'runs/a' } } }
    const order = orderNext(given, { folder: 'runs/a', canResume: true, port: 4711, provisioned })
    expect(order).toEqual({
      ...request,
      settings: {
        ...request.settings,
        launch: { ...launch, runDir: null, listen: '[::1]:4711', minWorkers: 1, trace: null },
      },
      resume: 'runs/a',
      isFirst: false,
      provisioned,
    })
  })

  test('keeps the minimum of workers that the user has set', () => {
    const settings = { ...request.settings, launch: { ...launch, minWorkers: 3 } }
    const order = orderNext({ ...request, settings }, { folder: 'runs/a', canResume: true, port: 4711, provisioned })
    expect(order.settings.launch.minWorkers).toBe(3)
  })
})
