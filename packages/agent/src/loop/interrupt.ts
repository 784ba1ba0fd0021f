/**
 * Why a turn is asked to stop. `cancelled`: someone said so; the turn ends, and that is recorded. `detached`: no one
 * listens any more; it stops where it is, and is resumed when its message is given again.
 */
export type InterruptCause = 'cancelled' | 'detached';

export interface Interrupt {
  readonly signal: AbortSignal;
  /** The first cause given; undefined while the turn may go on. */
  readonly cause: InterruptCause | undefined;
  raise(cause: InterruptCause): void;
}

export function createInterrupt(): Interrupt {
  const controller = new AbortController();
  let first: InterruptCause | undefined;
  return {
    signal: controller.signal,
    get cause() {
      return first;
    },
    raise(cause) {
      if (first !== undefined) return;
      first = cause;
      controller.abort(new Error(`the turn was ${cause}`));
    },
  };
}
