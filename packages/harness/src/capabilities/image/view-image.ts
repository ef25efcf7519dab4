import type { CapabilityBinding, FunctionTool } from '@ringfence/core'
import { z } from 'zod'
import { defineTool } from '../define-tool.ts'
import { resolvePath } from '../resolve-path.ts'
import { sniffImage } from './sniff-image.ts'

/** The largest image that is shown: 10 MiB. */
const MAX_IMAGE_BYTES: number = 10 * 1024 * 1024

const schema = z.object({ path: z.string().min(1).describe('Path of the image.') })

/** The tool `view_image`: shows an image of the workspace to the model. */
export function viewImage(binding: CapabilityBinding): FunctionTool {
  return defineTool({
    name: 'view_image',
    description: 'Shows an image of the workspace (PNG, JPEG, GIF, WebP or BMP, at most 10 MB).',
    schema,
    isIdempotent: true,
    async invoke(args, call, workspace) {
      const path = resolvePath(args.path, binding.cwd, workspace.root)
      const stat = await workspace.stat(path, { signal: call.signal })
      if (!stat) return `view_image failed: there is no file "${args.path}".`
      if (stat.type === 'directory' || stat.type === 'other') return `view_image failed: "${args.path}" is not a file.`
      if (stat.size > MAX_IMAGE_BYTES)
        return `view_image failed: "${args.path}" has ${stat.size} bytes; at most ${MAX_IMAGE_BYTES} are shown.`
      const bytes = await workspace.readFile(path, { signal: call.signal, maxBytes: MAX_IMAGE_BYTES })
      const mediaType = sniffImage(bytes)
      if (!mediaType) return `view_image failed: "${args.path}" is not a PNG, JPEG, GIF, WebP or BMP image.`
      const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
      return [
        { type: 'text', text: `${args.path} (${mediaType}, ${bytes.length} bytes)` },
        { type: 'image', mediaType, data },
      ]
    },
  })
}
