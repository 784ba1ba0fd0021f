/** Requests an agent may make on its pipe: a burst, refilled steadily. */
export const MESH_RATE = { perSecond: 50, burst: 200 } as const;

/** A token bucket. Returns false for what goes over; that is refused, not delayed. */
export function createRateLimit(
  rate: { perSecond: number; burst: number },
  now: () => number,
): () => boolean {
  let tokens: number = rate.burst;
  let last = now();
  return () => {
    const time = now();
    tokens = Math.min(rate.burst, tokens + ((time - last) / 1000) * rate.perSecond);
    last = time;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
