import { appendFileSync, chmodSync, existsSync, renameSync, statSync, writeFileSync } from 'node:fs';

export type LogFormat = 'text' | 'json';

export interface PartLog {
  /** Takes a piece of a part's output; whole lines are written, each with the time. */
  write(chunk: string): void;
  /** The last lines, for an error message. */
  tail(): string[];
}

const KEPT = 3;
const LINE_CHARACTERS = 16_384;

/**
 * A log file readable by its owner alone. At `maxBytes` it becomes `.1` (and `.1` becomes `.2`; three are kept).
 * A disk that is full costs log lines, never the part.
 */
export function createPartLog(options: {
  path: string;
  part: string;
  format: LogFormat;
  maxBytes: number;
  now: () => Date;
}): PartLog {
  const { path, part, format, maxBytes, now } = options;
  const last: string[] = [];
  let rest = '';
  let bytes = 0;

  const open = () => {
    bytes = existsSync(path) ? statSync(path).size : 0;
    if (bytes >= maxBytes) {
      for (let age = KEPT - 1; age >= 1; age -= 1) {
        const older = age === 1 ? path : `${path}.${age - 1}`;
        if (existsSync(older)) renameSync(older, `${path}.${age}`);
      }
      bytes = 0;
    }
    if (!existsSync(path)) writeFileSync(path, '', { mode: 0o600 });
    chmodSync(path, 0o600);
  };

  const writeLine = (line: string) => {
    last.push(line);
    if (last.length > 20) last.shift();
    const at = now().toISOString();
    const record = format === 'json' ? JSON.stringify({ at, part, line }) : `${at} ${part} ${line}`;
    try {
      if (bytes >= maxBytes) open();
      appendFileSync(path, `${record}\n`);
      bytes += Buffer.byteLength(record) + 1;
    } catch {
      // Nowhere to say it: a log that cannot be written must not stop what it describes.
    }
  };

  try {
    open();
  } catch {
    // As above; the first line tries again.
    bytes = maxBytes;
  }
  return {
    write(chunk) {
      rest += chunk;
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > LINE_CHARACTERS) {
        lines.push(rest);
        rest = '';
      }
      for (const line of lines) if (line.trim()) writeLine(line.slice(0, LINE_CHARACTERS));
    },
    tail: () => (rest.trim() ? [...last, rest] : [...last]),
  };
}
