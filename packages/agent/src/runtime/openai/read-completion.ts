import { z } from 'zod';
import type { ProgramEvent } from '../program-driver.ts';
import { readLines } from '../read-lines.ts';
import { RUNTIME_LIMITS } from '../runtime-limits.ts';

const Said = z.object({ content: z.string().nullish(), reasoning_content: z.string().nullish() });
const Chunk = z.object({
  choices: z.array(
    z.object({
      delta: Said.nullish(),
      message: Said.nullish(),
      finish_reason: z.string().nullish(),
    }),
  ),
});
const Failure = z.object({ error: z.union([z.string(), z.object({ message: z.string() })]) });

/** How a completion ended; `cut`: its stream broke off, without a reason or `[DONE]`. */
export type CompletionEnd =
  | { end: 'done'; reason: string }
  | { end: 'cut' }
  | { end: 'error'; message: string };

/** The text of a chat completion, a stream of events or one JSON document. Lines that are neither are left out. */
export async function* readCompletion(
  body: AsyncIterable<Buffer>,
): AsyncGenerator<ProgramEvent, CompletionEnd> {
  let reason: string | undefined;
  let done = false;
  for await (const line of readLines(body, RUNTIME_LIMITS.lineBytes)) {
    if (line === null) continue;
    const data = line.startsWith('data:') ? line.slice(5).trim() : line.trim();
    if (data === '[DONE]') {
      done = true;
      continue;
    }
    const value = parse(data);
    const failure = Failure.safeParse(value);
    if (failure.success) {
      const { error } = failure.data;
      return { end: 'error', message: typeof error === 'string' ? error : error.message };
    }
    const chunk = Chunk.safeParse(value);
    for (const { delta, message, finish_reason } of chunk.success ? chunk.data.choices.slice(0, 1) : []) {
      const said = delta ?? message;
      if (said?.reasoning_content) yield { type: 'reasoning', text: said.reasoning_content };
      if (said?.content) yield { type: 'text', text: said.content };
      reason = finish_reason ?? reason;
    }
  }
  if (reason !== undefined) return { end: 'done', reason };
  return done ? { end: 'done', reason: 'stop' } : { end: 'cut' };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
