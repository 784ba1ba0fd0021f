export type LoopVerdict = 'run' | 'warn' | 'block' | 'end';

const WINDOW = 15;
const WARN_AT = 3;
const BLOCK_AT = 5;
const END_AT = 10;
/** Asking one's memory the same thing again is how memory is used. */
const EXEMPT: ReadonlySet<string> = new Set(['memory_search', 'memory_recall']);

export interface LoopDetector {
  /** Counts this call and says what to do with it. */
  judge(tool: string, input: string): LoopVerdict;
}

/**
 * Notices a model that makes the same call over and over: of the last 15 calls, the third identical one warns, the
 * fifth is blocked, the tenth ends the turn. Identical means the same tool and the same JSON whatever the order of
 * its keys. Agent-enforced.
 */
export function createLoopDetector(): LoopDetector {
  const recent: string[] = [];
  return {
    judge(tool, input) {
      if (EXEMPT.has(tool)) return 'run';
      const call = `${tool} ${canonical(input)}`;
      recent.push(call);
      if (recent.length > WINDOW) recent.shift();
      const count = recent.filter((other) => other === call).length;
      if (count >= END_AT) return 'end';
      if (count >= BLOCK_AT) return 'block';
      return count >= WARN_AT ? 'warn' : 'run';
    },
  };
}

function canonical(input: string): string {
  try {
    return JSON.stringify(JSON.parse(input), sortKeys);
  } catch {
    return input;
  }
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
