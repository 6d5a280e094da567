import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PassThrough, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createInflateRaw } from 'node:zlib'
import { type Entry, openPromise, type ZipFile } from 'yauzl'
import type { EntryFile } from './cache-entry.ts'

/** The destinations of the files that the C API needs: the two libraries, and the headers that tfjs-node includes. */
const destinations: readonly (readonly [RegExp, string])[] = [
  [/^tensorflow\/(libtensorflow_(?:cc|framework)\.so\.2)$/, 'lib/$1'],
  [/^tensorflow\/(include\/LICENSE)$/, '$1'],
  [/^tensorflow\/(include\/tensorflow\/c\/.+\.h)$/, '$1'],
  [/^tensorflow\/(include\/tensorflow\/core\/platform\/ctstring\w*\.h)$/, '$1'],
  [/^tensorflow\/(include\/tsl\/platform\/ctstring\w*\.h)$/, '$1'],
  [/^tensorflow\/(include\/xla\/tsl\/c\/.+\.h)$/, '$1'],
]

const deflated = 8
const chunkBytes = 1 << 20

/**
 * Unpacks the library and the headers of the C API from a wheel into `folder` (`lib/`, `include/`) and flushes them to
 * disk. The caller must have checked the wheel's checksum. `onBytes` gets the bytes written and the total after each
 * chunk.
 */
export async function unpackWheel(
  wheelFile: string,
  folder: string,
  onBytes: (done: number, total: number) => void,
): Promise<readonly EntryFile[]> {
  const zip = await openPromise(wheelFile, { autoClose: false })
  try {
    const wanted = await listWanted(zip)
    const total = wanted.reduce((sum, { entry }) => sum + entry.uncompressedSize, 0)
    let done = 0
    const onChunk = (bytes: number) => {
      done += bytes
      onBytes(done, total)
    }
    const files: EntryFile[] = []
    for (const { entry, path } of wanted) {
      files.push({ path, sha256: await unpackEntry(zip, entry, join(folder, path), onChunk) })
    }
    return files
  } finally {
    zip.close()
  }
}

async function listWanted(zip: ZipFile): Promise<readonly { readonly entry: Entry; readonly path: string }[]> {
  const wanted: { entry: Entry; path: string }[] = []
  for await (const entry of zip.eachEntry()) {
    const path = destinationOf(entry.fileName)
    if (path !== undefined) wanted.push({ entry, path })
  }
  return wanted
}

function destinationOf(name: string): string | undefined {
  const match = destinations.find(([pattern]) => pattern.test(name))
  return match && name.replace(match[0], match[1])
}

async function unpackEntry(
  zip: ZipFile,
  entry: Entry,
  path: string,
  onChunk: (bytes: number) => void,
): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  const hash = createHash('sha256')
  const tap = new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk)
      onChunk(chunk.length)
      done(undefined, chunk)
    },
  })
  // yauzl would inflate in chunks of 16 KiB, which doubles the time.
  const packed = await zip.openReadStreamPromise(entry, { decodeFileData: false })
  const inflate = entry.compressionMethod === deflated ? createInflateRaw({ chunkSize: chunkBytes }) : new PassThrough()
  const file = createWriteStream(path, { flush: true, highWaterMark: 2 * chunkBytes })
  await pipeline(packed, inflate, tap, file)
  return hash.digest('hex')
}
