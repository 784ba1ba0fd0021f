/** What an answer was seen to say of itself, gathered while it passes. Tokens as the provider counts them. */
export interface Reading {
  /** All of it, cached parts included; null: not said, or not a count. */
  input: number | null;
  cacheRead: number;
  /** Those of an hour included; null: not counted by this provider. */
  cacheWrite: number | null;
  cacheWriteHour: number;
  audioInput: number;
  output: number | null;
  audioOutput: number;
  /** The answer said that nothing follows. */
  finished: boolean;
  /** It said why it stopped; usage may follow, so it counts as finished only when the stream ends properly. */
  stopped: boolean;
  /** Bytes of text, reasoning and arguments: at least as many as their tokens. */
  outputBytes: number;
  /** Names of the tools that it calls. */
  calls: string[];
  /** Something in it was too long to be read. */
  passedOver: boolean;
}

const FIGURES = ['cacheRead', 'cacheWrite', 'cacheWriteHour', 'audioInput', 'audioOutput'] as const;

/** Where an answer says it: paths of a dialect's table (`../../dialects/README.md`). */
export interface AnswerTable extends Partial<Record<(typeof FIGURES)[number] | 'stopped', string[]>> {
  text: string[];
  calls: string[];
  finished?: Record<string, string[]>;
  usage: string[];
  input: string[];
  output: string[];
  total?: string;
}

export type ReadAnswer = (answer: unknown, reading: Reading) => void;

export function emptyReading(): Reading {
  return {
    ...{ input: null, cacheRead: 0, cacheWrite: null, cacheWriteHour: 0, audioInput: 0 },
    ...{ output: null, audioOutput: 0, finished: false, stopped: false, outputBytes: 0 },
    ...{ calls: [], passedOver: false },
  };
}

/** Reads one answer, or one event of a stream: figures that it has replace those before, texts add up. */
export function createAnswerReader(table: AnswerTable): ReadAnswer {
  const paths = (list: string[] = []): string[][] => list.map((path) => path.split('.'));
  const [text, stopped, usages] = [paths(table.text), paths(table.stopped), paths(table.usage)];
  const calls = paths(table.calls);
  const finished = Object.entries(table.finished ?? {}).map(
    ([path, values]) => [path.split('.'), values] as const,
  );
  const [input, output] = [paths(table.input), paths(table.output)];
  const single = (
    ['cacheRead', 'cacheWrite', 'cacheWriteHour', 'audioInput', 'audioOutput'] as const
  ).flatMap((name) => (table[name] ?? []).map((path) => ({ name, path: path.split('.') })));

  function readUsage(usage: unknown, reading: Reading): void {
    const said = sum(usage, input);
    if (said !== undefined) reading.input = said;
    const answered = sum(usage, output);
    if (answered !== undefined) {
      const total = table.total === undefined ? null : count(at(usage, [table.total]));
      const rest = total === null || reading.input === null ? 0 : total - reading.input;
      reading.output = answered === null ? null : Math.max(answered, rest);
    }
    for (const { name, path } of single) {
      const value = count(at(usage, path));
      if (value !== null) reading[name] = value;
    }
  }

  return (answer, reading) => {
    for (const path of text) for (const found of all(answer, path)) reading.outputBytes += stringBytes(found);
    for (const path of calls)
      for (const name of all(answer, path)) if (typeof name === 'string') reading.calls.push(name);
    reading.stopped ||= stopped.some((path) => all(answer, path).some((found) => typeof found === 'string'));
    reading.finished ||= finished.some(([path, values]) =>
      values.some((value) => value === at(answer, path)),
    );
    for (const path of usages) {
      const usage = at(answer, path);
      if (typeof usage === 'object' && usage !== null) readUsage(usage, reading);
    }
  };
}

/** The parts of a figure together: undefined where the first is not said, null where one is no count. */
function sum(usage: unknown, parts: readonly string[][]): number | null | undefined {
  let total: number | null = 0;
  for (const [index, path] of parts.entries()) {
    if (path[0] === '') continue;
    const value = at(usage, path) ?? undefined;
    if (value === undefined && index === 0) return undefined;
    const part = value === undefined ? 0 : count(value);
    total = total === null || part === null ? null : total + part;
  }
  return total;
}

/** More tokens than any answer can have: 1e99 and its like are no counts. */
const MOST = 1_000_000_000;

/** A non-negative whole number, or null for everything else a provider might put there. */
function count(value: unknown): number | null {
  const isCount = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MOST;
  return isCount ? value : null;
}

function at(value: unknown, path: readonly string[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}

/** Everything under a path in which `*` is each entry of a list. */
function all(value: unknown, path: readonly string[]): unknown[] {
  const star = path.indexOf('*');
  if (star === -1) return [at(value, path)];
  const list = at(value, path.slice(0, star));
  return Array.isArray(list) ? list.flatMap((item) => all(item, path.slice(star + 1))) : [];
}

/** UTF-8 bytes of all strings in `value`. */
function stringBytes(value: unknown, depth = 0): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null || depth > 32) return 0;
  let bytes = 0;
  for (const item of Object.values(value)) bytes += stringBytes(item, depth + 1);
  return bytes;
}
