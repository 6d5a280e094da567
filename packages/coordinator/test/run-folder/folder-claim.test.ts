import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createFolderClaim, isClaimed } from '../../src/run-folder/folder-claim.ts'
import { identifyProcess } from '../../src/run-folder/process-identity.ts'
import { temporaryFolder } from '../support/folder.ts'

let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'run')
})

const inUse = { code: 'run-folder-in-use', kind: 'world' }

/** A process that does nothing and ends with the test. */
async function startIdle(): Promise<ChildProcess & { readonly pid: number }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'spawn')
  return child as ChildProcess & { readonly pid: number }
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate)
}

/** Leaves the claim of another process. */
async function leaveClaim(
  pid: number,
  { number = 1, host = hostname(), identity = identifyProcess(pid) }: ClaimFacts = {},
): Promise<void> {
  await mkdir(path, { recursive: true })
  const holder = { pid, host, since: '2026-03-01T09:00:00.000Z', identity }
  await writeFile(join(path, `lock-${number}.json`), JSON.stringify(holder))
}

type ClaimFacts = { readonly number?: number; readonly host?: string; readonly identity?: string | null }

describe('a run folder', () => {
  test('is claimed by a file that names the holder, and is free again after the release', async () => {
    const claim = createFolderClaim(path)
    await claim.take()
    expect(await readdir(path)).toEqual(['lock-1.json'])
    expect(JSON.parse(await readFile(join(path, 'lock-1.json'), 'utf8'))).toMatchObject({
      pid: process.pid,
      host: hostname(),
    })
    await claim.take()
    await claim.release()
    await claim.release()
    await createFolderClaim(path).take()
    expect(await readdir(path)).toEqual(['lock-1.json'])
  })

  test('that was created for a claim is removed with it if it is empty', async () => {
    const claim = createFolderClaim(path)
    await claim.take()
    await claim.release()
    await expect(readdir(path)).rejects.toMatchObject({ code: 'ENOENT' })
    await claim.take()
    await writeFile(join(path, 'config.json'), '{}')
    await claim.release()
    expect(await readdir(path)).toEqual(['config.json'])
  })

  test('that existed before the claim stays, even if it is empty', async () => {
    await mkdir(path)
    const claim = createFolderClaim(path)
    await claim.take()
    await claim.release()
    expect(await readdir(path)).toEqual([])
  })

  test('is refused to a second claim, which leaves everything as it is', async () => {
    await createFolderClaim(path).take()
    const { mtimeNs } = await stat(path, { bigint: true })
    const second = createFolderClaim(path)
    await expect(second.take()).rejects.toMatchObject({
      ...inUse,
      message: `${path} is in use: another process is running it`,
      received: expect.stringMatching(`^process ${process.pid} on ${hostname()}, since 2`),
      hint: expect.stringMatching(/Wait until it has ended/),
    })
    await second.release()
    expect(await readdir(path)).toEqual(['lock-1.json'])
    // There is no second claim even for a moment, since a first one that sees it could withdraw.
    expect((await stat(path, { bigint: true })).mtimeNs).toBe(mtimeNs)
  })

  test('is given to exactly one of many simultaneous claims', async () => {
    for (let round = 0; round < 20; round++) {
      const claims = Array.from({ length: 5 }, () => createFolderClaim(path))
      const results = await Promise.allSettled(claims.map(claim => claim.take()))
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      for (const claim of claims) await claim.release()
    }
  })

  test('is given to exactly one of many claims that find the claim of a dead process', async () => {
    const child = await startIdle()
    await leaveClaim(child.pid, { number: 4 })
    const left = await readFile(join(path, 'lock-4.json'))
    await killed(child)
    for (let round = 0; round < 20; round++) {
      await writeFile(join(path, 'lock-4.json'), left)
      const claims = Array.from({ length: 5 }, () => createFolderClaim(path))
      const results = await Promise.allSettled(claims.map(claim => claim.take()))
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(await readdir(path)).toEqual(['lock-5.json'])
      for (const claim of claims) await claim.release()
    }
  })
})

describe('the claim of another process', () => {
  test('holds exactly as long as the process is alive, even if it is stopped', async () => {
    const child = await startIdle()
    await leaveClaim(child.pid)
    child.kill('SIGSTOP')
    const received = `process ${child.pid} on ${hostname()}, since 2026-03-01T09:00:00.000Z`
    await expect(createFolderClaim(path).take()).rejects.toMatchObject({ ...inUse, received })
    await killed(child)
    const claim = createFolderClaim(path)
    await claim.take()
    expect(await readdir(path)).toEqual(['lock-2.json'])
  })

  test('does not hold if its pid belongs to a different process now', async () => {
    const child = await startIdle()
    await leaveClaim(child.pid, { identity: 'another-boot 12345' })
    await createFolderClaim(path).take()
  })

  test('does not hold if the process is a zombie', async () => {
    // Its parent is a shell that has become another program, which never waits for its children.
    const parent = spawn('sh', ['-c', 'sleep 1000 & echo $!; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'ignore'] })
    onTestFinished(() => void parent.kill('SIGKILL'))
    const [line] = await once(parent.stdout.setEncoding('utf8'), 'data')
    const zombie = Number(line)
    await until(async () => (await readFile(`/proc/${parent.pid}/comm`, 'utf8')) === 'sleep\n')
    process.kill(zombie, 'SIGKILL')
    await until(async () => (await readFile(`/proc/${zombie}/stat`, 'utf8')).includes(') Z '))
    await leaveClaim(zombie)
    await createFolderClaim(path).take()
  })

  test('on another machine holds, since it may be alive, and the hint names the file to remove', async () => {
    await leaveClaim(1, { host: 'elsewhere', identity: null })
    await expect(createFolderClaim(path).take()).rejects.toMatchObject({
      ...inUse,
      received: expect.stringContaining('process 1 on elsewhere'),
      hint: expect.stringContaining(join(path, 'lock-1.json')),
    })
    await rm(join(path, 'lock-1.json'))
    await createFolderClaim(path).take()
  })

  test('is awaited while it is being written, and nothing is written beside it', async () => {
    await mkdir(path)
    await writeFile(join(path, 'lock-1.json'), '')
    const taken = createFolderClaim(path, 60_000).take()
    await Promise.race([taken, setTimeout(100)])
    expect(await readdir(path)).toEqual(['lock-1.json'])
    await leaveClaim(process.pid)
    await expect(taken).rejects.toMatchObject(inUse)
    expect(await readdir(path)).toEqual(['lock-1.json'])
  })

  test('does not hold if it is incomplete, since its writer has died', async () => {
    await mkdir(path)
    await writeFile(join(path, 'lock-1.json'), '{"pid":')
    await createFolderClaim(path).take()
    expect(await readdir(path)).toEqual(['lock-2.json'])
  })
})

describe('a claim that cannot be written', () => {
  test('fails with `file-not-written`', async () => {
    await writeFile(path, 'a file')
    await expect(createFolderClaim(path).take()).rejects.toMatchObject({ code: 'file-not-written' })
  })
})

test('a claim is renewed in a folder that was removed, unless another claim holds now', async () => {
  const claim = createFolderClaim(path)
  await claim.take()
  await rm(path, { recursive: true })
  await claim.renew()
  expect(await readdir(path)).toEqual(['lock-1.json'])
  await rm(path, { recursive: true })
  await createFolderClaim(path).take()
  await expect(claim.renew()).rejects.toMatchObject(inUse)
  await claim.release()
  expect(await readdir(path)).toEqual(['lock-1.json'])
})

describe('a check for a claim', () => {
  test('finds one while its process is alive, or may be alive on another machine, and writes nothing', async () => {
    expect(await isClaimed(path)).toBe(false)
    const child = await startIdle()
    await leaveClaim(child.pid)
    expect(await isClaimed(path)).toBe(true)
    await killed(child)
    expect(await isClaimed(path)).toBe(false)
    await leaveClaim(child.pid, { number: 2, host: 'elsewhere', identity: null })
    expect(await isClaimed(path)).toBe(true)
    expect(await readdir(path)).toEqual(['lock-1.json', 'lock-2.json'])
  })
})
