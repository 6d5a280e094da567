import { randomBytes, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { LockstepError, maxTokenLength, reasonOf } from '@lockstep/protocol'

const shortestToken = 16

/** Reads the token from a file, or creates a random one. Throws `bad-token-file` if the file has no usable token. */
export async function readToken(file: string | null): Promise<string> {
  if (file === null) return randomBytes(32).toString('hex')
  const token = (await readSecret(file, '--token-file')).trim()
  if (token.length >= shortestToken && token.length <= maxTokenLength) return token
  throw new LockstepError('bad-token-file', `--token-file: ${file} holds no usable token`, {
    kind: 'usage',
    expected: `${shortestToken} to ${maxTokenLength} characters`,
    received: `${token.length} characters`,
    hint: 'Make one with `openssl rand -hex 32 > token`.',
  })
}

/** Reads certificate and key for TLS; null without them. Both files must be given, or neither. */
export async function readTls(
  certFile: string | null,
  keyFile: string | null,
): Promise<{ readonly cert: string; readonly key: string } | null> {
  if (certFile === null && keyFile === null) return null
  if (certFile === null || keyFile === null) {
    throw new LockstepError('bad-tls', '--tls-cert and --tls-key go together', { kind: 'usage' })
  }
  return { cert: await readSecret(certFile, '--tls-cert'), key: await readSecret(keyFile, '--tls-key') }
}

/** Reads a certificate to trust. Throws `bad-tls` for a file without one, which TLS would silently ignore. */
export async function readCertificate(file: string): Promise<string> {
  const pem = await readSecret(file, '--tls-ca')
  try {
    new X509Certificate(pem)
  } catch (cause) {
    throw new LockstepError('bad-tls', `--tls-ca: ${file} holds no certificate`, {
      kind: 'usage',
      expected: 'a PEM file with a certificate',
      received: reasonOf(cause),
      hint: 'Copy the file that --tls-cert names on the coordinator, or the certificate of its issuer.',
      cause,
    })
  }
  return pem
}

export async function readSecret(file: string, flag: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const received = reasonOf(cause)
    throw new LockstepError('file-unreadable', `${flag}: ${file} cannot be read`, { kind: 'usage', received, cause })
  }
}
