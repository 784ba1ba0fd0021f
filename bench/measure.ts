/** One line of the report: what was measured, beside what, and how far from it it may be. */
export interface Figure {
  bench: string;
  what: string;
  unit: 'ms' | 'MB' | 'MB/s' | '/s' | 'share';
  value: number;
  /** Measured in the same run, by turns with `value`. */
  peer: { what: string; value: number } | null;
  /** `value` over the peer's; above 1 is more of the unit. */
  ratio: number | null;
  /** Null: shown, not judged. */
  bound: Bound | null;
  verdict: 'ok' | 'over' | 'shown';
}

/** `ratio`: value / peer. `more`: value − peer. `value`: itself. Each at most, or with `least` at least. */
export interface Bound {
  of: 'ratio' | 'more' | 'value';
  most?: number;
  least?: number;
}

export type Bench = (options: BenchOptions) => Promise<Figure[]>;

export interface BenchOptions {
  /** The agent's image. */
  image: string;
  /** Says what is under way. */
  progress: (text: string) => void;
  /** Multiplies the number of repetitions. */
  effort: number;
}

export function figure(facts: Omit<Figure, 'ratio' | 'verdict'>): Figure {
  const { value, peer, bound } = facts;
  const ratio = peer && peer.value !== 0 ? value / peer.value : null;
  const judged =
    bound?.of === 'ratio' ? ratio : bound?.of === 'more' ? value - (peer?.value ?? 0) : bound ? value : null;
  // A bound that could not be judged is not kept: a missing peer must not pass.
  const kept =
    judged !== null && judged <= (bound?.most ?? Infinity) && judged >= (bound?.least ?? -Infinity);
  return { ...facts, ratio, verdict: bound === null ? 'shown' : kept ? 'ok' : 'over' };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear between the two nearest; NaN of nothing. */
export function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const place = (sorted.length - 1) * at;
  const low = sorted[Math.floor(place)] ?? Number.NaN;
  const high = sorted[Math.ceil(place)] ?? Number.NaN;
  return low + (high - low) * (place - Math.floor(place));
}

/**
 * Runs the two by turns, which of them first changing each time, so that what the machine does meanwhile meets
 * both alike. The first round warms up and is not counted.
 */
export async function byTurns(
  rounds: number,
  one: () => Promise<number>,
  other: () => Promise<number>,
): Promise<{ one: number[]; other: number[] }> {
  const results = { one: [] as number[], other: [] as number[] };
  for (let round = 0; round <= rounds; round += 1) {
    const order = round % 2 === 0 ? (['one', 'other'] as const) : (['other', 'one'] as const);
    for (const name of order) {
      const result = await (name === 'one' ? one : other)();
      if (round > 0) results[name].push(result);
    }
  }
  return results;
}

/** Milliseconds that something takes. */
export async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}
