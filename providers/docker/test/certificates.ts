import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An authority, and a server at 127.0.0.1 and a client that it vouches for. */
export interface Certificates {
  /** With the names that `DOCKER_CERT_PATH` wants for a client: `ca.pem`, `cert.pem`, `key.pem`. */
  readonly directory: string
  readonly ca: string
  readonly server: { readonly cert: string; readonly key: string }
  readonly client: { readonly cert: string; readonly key: string }
  remove(): void
}

export function makeCertificates(): Certificates {
  const directory = mkdtempSync(join(tmpdir(), 'ringfence-tls-'))
  const pem = (name: string): string => readFileSync(join(directory, name), 'utf8')
  const openssl = (...words: string[]): unknown => execFileSync('openssl', words, { cwd: directory, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=authority', '-keyout', 'ca-key.pem', '-out', 'ca.pem')
  writeFileSync(join(directory, 'ext'), 'subjectAltName=IP:127.0.0.1\n')
  for (const prefix of ['server-', '']) {
    openssl('req', ...key, '-subj', '/CN=ringfence', '-keyout', `${prefix}key.pem`, '-out', 'csr')
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-days', '2', '-extfile', 'ext']
    openssl('x509', '-req', '-in', 'csr', ...signed, '-out', `${prefix}cert.pem`)
  }
  return {
    directory,
    ca: pem('ca.pem'),
    server: { cert: pem('server-cert.pem'), key: pem('server-key.pem') },
    client: { cert: pem('cert.pem'), key: pem('key.pem') },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}
