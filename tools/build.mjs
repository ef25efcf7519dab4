// `npm run build`: all packages with their types, those alone that changed.
import { turbo } from './setup.mjs'

process.exitCode = await turbo(['build', ...process.argv.slice(2)])
