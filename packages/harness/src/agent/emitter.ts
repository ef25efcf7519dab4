type Listener<Args extends readonly unknown[]> = (...args: Args) => void | Promise<void>

let tell: <Events extends EventArgs<Events>, Name extends keyof Events>(
  emitter: Emitter<Events>,
  event: Name,
  ...args: Events[Name]
) => Promise<void>

type EventArgs<Events> = { readonly [Name in keyof Events]: readonly unknown[] }

/** Tells listeners what happens, in the order in which they came. Each is waited for; what one throws ends the run. */
export class Emitter<Events extends EventArgs<Events>> {
  readonly #listeners: { [Name in keyof Events]?: Listener<Events[Name]>[] } = {}

  on<Name extends keyof Events>(event: Name, listener: Listener<Events[Name]>): this {
    this.#listeners[event] = [...(this.#listeners[event] ?? []), listener]
    return this
  }

  off<Name extends keyof Events>(event: Name, listener: Listener<Events[Name]>): this {
    this.#listeners[event] = this.#listeners[event]?.filter((one) => one !== listener)
    return this
  }

  static {
    tell = async (emitter, event, ...args) => {
      for (const listener of emitter.#listeners[event] ?? []) await listener(...args)
    }
  }
}

/** Tells the listeners of an event. */
export function emit<Events extends EventArgs<Events>, Name extends keyof Events>(
  emitter: Emitter<Events>,
  event: Name,
  ...args: Events[Name]
): Promise<void> {
  return tell(emitter, event, ...args)
}
