import type { Readable } from 'node:stream';
import { ProgressLine } from './engine-answers.ts';
import { collectLines } from './run-program.ts';
import { safeText } from './safe-text.ts';

/** A line of progress is text for people; what is longer is cut. */
const MAX_LINE_BYTES = 1024 * 1024;

export interface ProgressResult {
  /** The engine's error, null when there was none. */
  error: string | null;
  /** The last 20, fit to show. */
  lastLines: string[];
  /** The id of the image that was made, where the engine says it. */
  imageId: string | null;
}

/** Reads the JSON lines of a build, import or pull to their end. Lines of no known form are skipped. */
export async function readProgress(body: Readable, onLine?: (line: string) => void): Promise<ProgressResult> {
  const lines = collectLines(onLine);
  const result: ProgressResult = { error: null, lastLines: lines.last, imageId: null };
  const take = (text: string) => {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return;
    }
    const line = ProgressLine.safeParse(json);
    if (!line.success) return;
    if (line.data.error !== undefined) result.error ??= safeText(line.data.error);
    const imageId = line.data.aux?.ID ?? /^(?:sha256:[0-9a-f]{64})$/.exec(line.data.status ?? '')?.[0];
    if (imageId) result.imageId = imageId;
    lines.take(line.data.stream ?? line.data.status ?? '');
  };
  let rest = '';
  body.setEncoding('utf8');
  for await (const chunk of body) {
    rest += chunk;
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n')) {
      take(rest.slice(0, end));
      rest = rest.slice(end + 1);
    }
    if (rest.length > MAX_LINE_BYTES) rest = '';
  }
  take(rest);
  return result;
}
