/** The sum of all lines. */
export function subtotal(lines) {
  return lines.reduce((sum, { price, quantity }) => sum + price * quantity, 0)
}

/** Ten per cent from an amount of 100 on. */
export function discount(amount) {
  return amount > 100 ? amount * 0.1 : 0
}

/** What is to be paid, in whole cents. */
export function total(lines) {
  const amount = subtotal(lines)
  return Math.round((amount - discount(amount)) * 100) / 100
}
