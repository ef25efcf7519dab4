export { checkCreate, checkLifetime, checkNativeSnapshot, checkSpawn, checkTerminalSize } from './check-request.ts'
export { type ProviderErrors, providerErrors } from './provider-errors.ts'
export { quote, quoteAll } from './quote.ts'
