/** The first bytes by which the form of an image is told. */
const SIGNATURE_BYTES = 12

/** The media type of an image by its first bytes: PNG, JPEG, GIF, WebP or BMP. Undefined for anything else. */
export function sniffImage(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, SIGNATURE_BYTES)).toString('latin1')
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png'
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (head.startsWith('GIF87a') || head.startsWith('GIF89a')) return 'image/gif'
  if (head.startsWith('RIFF') && head.slice(8) === 'WEBP') return 'image/webp'
  // After "BM" come the size of the file and four bytes that are zero: text that begins with BM has none.
  if (head.startsWith('BM') && head.slice(6, 10) === '\0\0\0\0') return 'image/bmp'
  return undefined
}
