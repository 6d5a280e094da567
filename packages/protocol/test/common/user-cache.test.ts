import { homedir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { userCacheFolder } from '../../src/common/user-cache.ts'

test('the cache folder is LOCKSTEP_CACHE_DIR itself', () => {
  expect(userCacheFolder({ LOCKSTEP_CACHE_DIR: '/disk/cache', XDG_CACHE_HOME: '/xdg' })).toBe('/disk/cache')
})

test('the cache folder is lockstep under XDG_CACHE_HOME', () => {
  expect(userCacheFolder({ XDG_CACHE_HOME: '/xdg' })).toBe('/xdg/lockstep')
})

test('the cache folder is under ~/.cache if the variables are unset or empty', () => {
  const usual = join(homedir(), '.cache', 'lockstep')
  expect(userCacheFolder({})).toBe(usual)
  expect(userCacheFolder({ LOCKSTEP_CACHE_DIR: '', XDG_CACHE_HOME: '' })).toBe(usual)
})
