import { homedir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { userCacheFolder } from '../../src/common/user-cache.ts'

test('LOCKSTEP_CACHE_DIR names the cache folder itself', () => {
  expect(userCacheFolder({ LOCKSTEP_CACHE_DIR: '/disk/cache', XDG_CACHE_HOME: '/xdg' })).toBe('/disk/cache')
})

test('the cache is a folder of its own under XDG_CACHE_HOME', () => {
  expect(userCacheFolder({ XDG_CACHE_HOME: '/xdg' })).toBe('/xdg/lockstep')
})

test('the cache is under ~/.cache where nothing is said, or something empty', () => {
  const usual = join(homedir(), '.cache', 'lockstep')
  expect(userCacheFolder({})).toBe(usual)
  expect(userCacheFolder({ LOCKSTEP_CACHE_DIR: '', XDG_CACHE_HOME: '' })).toBe(usual)
})
