import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { imageShape } from '@lockstep/data'
import { LockstepError, reasonOf } from '@lockstep/protocol'
import sharp from 'sharp'

const [height, width] = imageShape

/** Among file names it means standard input. */
const standardInput = '-'

/**
 * Reads the pixels of an image file as a model takes them, [32, 32, 3]. It takes the largest square in the middle and
 * scales it if necessary (Lanczos), rotates the image by its EXIF data, converts it to sRGB, and puts transparent
 * images on white. `-` reads from `stdin`.
 * Throws LockstepError `image-unreadable`.
 */
export async function readImage(file: string, stdin: NodeJS.ReadableStream = process.stdin): Promise<Uint8Array> {
  try {
    return await sharp(await (file === standardInput ? buffer(stdin) : readFile(file)))
      .autoOrient()
      .resize(width, height, { fit: 'cover' })
      .flatten({ background: 'white' })
      .raw({ depth: 'uchar' })
      .toBuffer()
  } catch (cause) {
    throw new LockstepError(
      'image-unreadable',
      `${file === standardInput ? 'standard input' : file} cannot be read as an image`,
      {
        expected: 'a file in PNG, JPEG, WebP, GIF, TIFF, AVIF or SVG',
        received: reasonOf(cause),
        cause,
      },
    )
  }
}
