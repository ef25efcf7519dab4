/** Something that others wait for. */
export interface Gate {
  open(): void
  readonly passed: Promise<void>
}

export function gate(): Gate {
  let open: () => void = () => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open: () => open(), passed }
}
