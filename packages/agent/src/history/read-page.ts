import { HistoryEntry, type HistoryPage } from '@openlegion/contract/agent-api';
import type { Database } from './database.ts';
import { AssistantEntry, ResultEntry, SteerEntry } from './entry.ts';

const ENTRY_CHARS = 8000;
const PAGE_CHARS = 800_000;

/**
 * The newest `limit` entries, oldest first, as text for people. A long entry is cut, and the oldest of a page are
 * left out beyond about 800,000 characters.
 */
export function readPage(database: Database, limit: number): HistoryPage {
  const rows = database.read(
    `SELECT * FROM (
       SELECT seq, 0 AS entry, seq * 2 + 1 AS id, message_id, 'user' AS kind, text AS content, started_at AS at
         FROM turns
       UNION ALL
       SELECT seq, id AS entry, id * 2 AS id, message_id, kind, content, at
         FROM entries JOIN turns USING (message_id)
     ) ORDER BY seq DESC, entry DESC LIMIT ?`,
    limit,
  );
  const entries: HistoryPage['entries'] = [];
  let chars = 0;
  for (const row of rows) {
    const text = cut(renderEntry(String(row.kind), String(row.content)));
    chars += text.length + 200;
    if (chars > PAGE_CHARS) break;
    entries.unshift(
      HistoryEntry.parse({
        id: row.id,
        messageId: row.message_id,
        role: row.kind === 'result' ? 'tool' : row.kind,
        text,
        at: row.at,
      }),
    );
  }
  return { entries };
}

function renderEntry(kind: string, content: string): string {
  if (kind === 'user') return content;
  const value: unknown = JSON.parse(content);
  if (kind === 'steer') {
    const { text, why } = SteerEntry.parse(value);
    return why === undefined ? text : `[by the agent’s loop] ${text}`;
  }
  if (kind === 'result') {
    const result = ResultEntry.parse(value);
    return `${result.tool} (${result.outcome})\n${result.output}`;
  }
  const { parts, seams = [] } = AssistantEntry.parse(value);
  return [
    ...seams.map(
      ({ from, to, reason, afterChars }) =>
        `[${to} took over from ${from}${afterChars > 0 ? ` after ${afterChars} characters` : ''}: ${reason}]`,
    ),
    ...parts.map((part) =>
      part.type === 'call' ? `→ ${part.tool} ${part.input}` : part.type === 'text' ? part.text : '',
    ),
  ]
    .filter((text) => text !== '')
    .join('\n');
}

function cut(text: string): string {
  return text.length <= ENTRY_CHARS
    ? text
    : `${text.slice(0, ENTRY_CHARS)}\n[… ${text.length - ENTRY_CHARS} more]`;
}
