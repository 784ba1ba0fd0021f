import { NEWS_OF } from '@openlegion/contract/agent-api';
import type { Database } from '../history/database.ts';
import { SteerEntry } from '../history/entry.ts';
import type { FactSource } from './memory.ts';

/** Senders that are people. Whoever else wrote is another agent. */
const PEOPLE: ReadonlySet<string> = new Set(['user', 'operator']);
const SENTENCE_ENDS = /[.!?;:。．！？；：…\n\r]+/u;

export interface Judged {
  source: string;
  traceId: string;
  trusted: boolean;
}

/**
 * Whose words a statement is, by the record of the turn that it comes from. Trusted is only what stands in a person's
 * message or steering of that turn as one or more whole sentences, word for word: a paraphrase may have been put into
 * the model's mouth, and half a sentence can say its opposite ("never … delete the backups").
 */
export function judgeSource(database: Database, text: string, { messageId, tool }: FactSource): Judged {
  const turn = database.read('SELECT sender, trace_id, text FROM turns WHERE message_id = ?', messageId)[0];
  const traceId = String(turn?.trace_id ?? '');
  if (tool !== undefined) return { source: `tool ${name(tool)}`, traceId, trusted: false };
  const sender = String(turn?.sender ?? '');
  if (turn === undefined) return { source: 'own notes', traceId, trusted: false };
  if (!PEOPLE.has(sender)) {
    return {
      source: says(String(turn.text), text) ? `agent ${name(sender.replace(NEWS_OF, ''))}` : 'own notes',
      traceId,
      trusted: false,
    };
  }
  if (says(String(turn.text), text)) return { source: sender, traceId, trusted: true };
  const steers = database.read(
    "SELECT content FROM entries WHERE message_id = ? AND kind = 'steer' ORDER BY id",
    messageId,
  );
  const steered = steers.some((row) => {
    const steer = SteerEntry.parse(JSON.parse(String(row.content)));
    // One with a reason is the loop's own.
    return steer.why === undefined && says(steer.text, text);
  });
  return { source: steered ? 'user' : 'own notes', traceId, trusted: steered };
}

/** Whether `text` is a run of whole sentences of `message`. */
function says(message: string, text: string): boolean {
  const said = sentences(message);
  const claimed = sentences(text);
  if (claimed.length === 0) return false;
  return said.some((_, start) => claimed.every((sentence, index) => said[start + index] === sentence));
}

function sentences(text: string): string[] {
  return text
    .normalize('NFKC')
    .split(SENTENCE_ENDS)
    .map((sentence) => sentence.replaceAll(/\s+/gu, ' ').trim().toLowerCase())
    .filter((sentence) => sentence !== '');
}

function name(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 100);
}
