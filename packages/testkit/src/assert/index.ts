export {
  collectBytes,
  conformanceError,
  expectBytes,
  expectCode,
  expectEqual,
  expectReason,
  expectThrown,
  expectTrue,
  failCheck,
} from './assert.ts'
