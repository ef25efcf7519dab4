import assert from 'node:assert/strict'
import { test } from 'node:test'
import { discount, subtotal, total } from '../src/invoice.js'

console.log(`run ${process.env.RINGFENCE_NONCE ?? 'without a nonce'}`)

test('subtotal adds price times quantity', () => {
  assert.equal(
    subtotal([
      { price: 20, quantity: 3 },
      { price: 5, quantity: 1 },
    ]),
    65,
  )
})

test('discount begins at an amount of 100', () => {
  assert.equal(discount(99), 0)
  assert.equal(discount(100), 10)
  assert.equal(discount(200), 20)
})

test('total takes the discount off', () => {
  assert.equal(total([{ price: 25, quantity: 4 }]), 90)
  assert.equal(total([{ price: 10, quantity: 2 }]), 20)
})
