import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * The folder in which lockstep keeps what all checkouts of this user can share: `$LOCKSTEP_CACHE_DIR`, else
 * `$XDG_CACHE_HOME/lockstep`, else `~/.cache/lockstep` (XDG Base Directory Specification).
 */
export function userCacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  if (environment.LOCKSTEP_CACHE_DIR) return environment.LOCKSTEP_CACHE_DIR
  return join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lockstep')
}
