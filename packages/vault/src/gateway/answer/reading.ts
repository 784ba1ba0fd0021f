/** What an answer was seen to say of itself, gathered while it passes. */
export interface Reading {
  /** Tokens as the provider counts them; null: not said, or not a count. */
  input: number | null;
  cacheRead: number;
  cacheWrite: number | null;
  cacheWriteHour: number;
  output: number | null;
  /** The answer said that nothing follows. */
  finished: boolean;
  /** It said why it stopped; usage may follow, so it counts as finished only when the stream ends properly. */
  stopped: boolean;
  /** Bytes of text, reasoning and arguments: at least as many as their tokens. */
  outputBytes: number;
}

export function emptyReading(): Reading {
  return {
    input: null,
    cacheRead: 0,
    cacheWrite: null,
    cacheWriteHour: 0,
    output: null,
    finished: false,
    stopped: false,
    outputBytes: 0,
  };
}

/** More tokens than any answer can have: 1e99 and its like are no counts. */
const MOST = 1_000_000_000;

/** A non-negative whole number, or null for everything else a provider might put there. */
export function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MOST
    ? value
    : null;
}

export function field(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return Reflect.get(value, key);
}

export function items(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** UTF-8 bytes of all strings in `value`. */
export function stringBytes(value: unknown, depth = 0): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null || depth > 32) return 0;
  let sum = 0;
  for (const item of Object.values(value)) sum += stringBytes(item, depth + 1);
  return sum;
}
