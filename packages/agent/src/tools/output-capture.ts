import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

const HEAD_CHARS = 20_000;
const TAIL_CHARS = 9_500;
const FILE_BYTES = 32 * 1024 * 1024;

export interface OutputCapture {
  add(chunk: Buffer): void;
  /** What to show: all of it, or its start and end with a note of what is between and where the whole is. */
  finish(): string;
}

/**
 * Takes in an output of any length in bounded memory: 20,000 characters of its start and 9,500 of its end. Once it
 * is longer the whole, up to 32 MiB, is kept in `file`. A file that cannot be written costs the file alone.
 */
export function createOutputCapture(file: string): OutputCapture {
  const decoder = new StringDecoder('utf8');
  let head = '';
  let tail = '';
  let chars = 0;
  let fileBytes = 0;
  let descriptor: number | undefined;
  /** The bytes as they came, until it is known whether a file is needed: text would lose what is not UTF-8. */
  let held: Buffer[] = [];
  let kept: 'no' | 'yes' | 'in part' | 'failed' = 'no';

  const keep = (bytes: Buffer) => {
    if (kept === 'failed' || kept === 'in part') return;
    try {
      if (descriptor === undefined) {
        mkdirSync(file.slice(0, file.lastIndexOf('/')), { recursive: true });
        descriptor = openSync(file, 'w', 0o600);
        kept = 'yes';
      }
      const room = FILE_BYTES - fileBytes;
      fileBytes += writeSync(descriptor, bytes.subarray(0, room));
      if (bytes.length > room) kept = 'in part';
    } catch {
      kept = 'failed';
    }
  };
  const take = (text: string) => {
    chars += text.length;
    const toHead = text.slice(0, HEAD_CHARS + TAIL_CHARS - head.length);
    head += toHead;
    tail = (tail + text.slice(toHead.length)).slice(-TAIL_CHARS);
  };

  return {
    add(chunk) {
      take(decoder.write(chunk));
      if (kept === 'no' && chars <= HEAD_CHARS + TAIL_CHARS) {
        held.push(chunk);
        return;
      }
      for (const bytes of held) keep(bytes);
      held = [];
      keep(chunk);
    },
    finish() {
      take(decoder.end());
      if (descriptor !== undefined) closeSync(descriptor);
      if (chars <= HEAD_CHARS + TAIL_CHARS) return head;
      const end = (head.slice(HEAD_CHARS) + tail).slice(-TAIL_CHARS);
      const where = {
        no: '',
        failed: '; it could not be kept',
        yes: `; the whole is in ${file}`,
        'in part': `; the first 32 MiB are in ${file}`,
      };
      return `${head.slice(0, HEAD_CHARS)}\n[… ${chars - HEAD_CHARS - end.length} characters left out${where[kept]}]\n${end}`;
    },
  };
}
