import type { HistoryPage } from '@openlegion/contract/agent-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Database } from './database.ts';
import {
  AssistantEntry,
  type CallPart,
  RecordedRefusal,
  ResultEntry,
  SteerEntry,
  type TurnEnd,
} from './entry.ts';
import { orderTurn, type TurnEntry } from './order-turn.ts';
import type { PromptTurn } from './prompt-turn.ts';
import { readPage } from './read-page.ts';

export interface ReceivedMessage {
  messageId: string;
  traceId: string;
  from: string;
  text: string;
}

/** `new`: recorded just now. `interrupted`: recorded earlier, never ended. `ended`: answered; `end` is the answer. */
export type TurnState =
  | { state: 'new' }
  | { state: 'interrupted'; unanswered: CallPart[] }
  | { state: 'ended'; end: TurnEnd };

/** The agent's memory of its conversations. Whatever a method has recorded is on disk when it returns. */
export interface History {
  /** Throws `conflict` when the id was already used for another text. */
  beginTurn(message: ReceivedMessage): TurnState;
  /** Before any of its calls run. */
  recordAssistant(messageId: string, entry: AssistantEntry): void;
  recordResult(messageId: string, result: ResultEntry): void;
  addSteer(messageId: string, text: string): void;
  hasSteers(messageId: string): boolean;
  /** Moves waiting steers into the turn, at its present end, and returns their texts. */
  takeSteers(messageId: string): string[];
  /** `last` is recorded together with the end: a final answer without its end never exists. */
  endTurn(messageId: string, end: TurnEnd, last?: AssistantEntry): void;
  turnEntries(messageId: string): TurnEntry[];
  /** This turn and those before it in its session, oldest first, the newest up to about `maxChars` in all. */
  loadPrompt(messageId: string, maxChars: number): PromptTurn[];
  /** Rounds of tool calls in this turn's session. */
  sessionRounds(messageId: string): number;
  isFirstTurn(messageId: string): boolean;
  page(limit: number): HistoryPage;
  /** Closes the session: what is in it stays on disk and leaves the prompt. */
  reset(): void;
}

/** `now` gives the time of an entry, ISO 8601. */
export function createHistory(database: Database, now: () => string): History {
  const insertEntry = (messageId: string, kind: string, callId: string | null, content: unknown) =>
    database.write(
      'INSERT INTO entries (message_id, kind, call_id, content, at) VALUES (?, ?, ?, ?, ?)',
      messageId,
      kind,
      callId,
      JSON.stringify(content),
      now(),
    );
  const session = () => Number(database.read('SELECT current FROM session')[0]?.current ?? 1);

  const turnEntries = (messageId: string): TurnEntry[] =>
    database
      .read('SELECT kind, content FROM entries WHERE message_id = ? ORDER BY id', messageId)
      .map(parseEntry);

  return {
    beginTurn(message) {
      const row = database.read('SELECT * FROM turns WHERE message_id = ?', message.messageId)[0];
      if (row === undefined) {
        database.write(
          `INSERT INTO turns (message_id, session, trace_id, sender, text, status, started_at)
           VALUES (?, ?, ?, ?, ?, 'running', ?)`,
          message.messageId,
          session(),
          message.traceId,
          message.from,
          message.text,
          now(),
        );
        return { state: 'new' };
      }
      if (row.text !== message.text || row.sender !== message.from) throw reused(message.messageId);
      const status = row.status;
      if (status === 'complete' || status === 'cancelled' || status === 'failed') {
        const refusal = row.refusal;
        return {
          state: 'ended',
          end: {
            status,
            text: String(row.reply ?? ''),
            ...(typeof refusal === 'string' ? { refusal: RecordedRefusal.parse(JSON.parse(refusal)) } : {}),
          },
        };
      }
      return { state: 'interrupted', unanswered: unansweredCalls(turnEntries(message.messageId)) };
    },
    recordAssistant: (messageId, entry) => insertEntry(messageId, 'assistant', null, entry),
    recordResult: (messageId, result) => insertEntry(messageId, 'result', result.callId, result),
    addSteer: (messageId, text) =>
      database.write(
        'INSERT INTO pending_steers (message_id, text, at) VALUES (?, ?, ?)',
        messageId,
        text,
        now(),
      ),
    hasSteers: (messageId) =>
      database.read('SELECT 1 FROM pending_steers WHERE message_id = ? LIMIT 1', messageId).length > 0,
    takeSteers(messageId) {
      const rows = database.read(
        'SELECT text FROM pending_steers WHERE message_id = ? ORDER BY id',
        messageId,
      );
      const texts = rows.map((row) => String(row.text));
      if (texts.length === 0) return texts;
      database.transaction(() => {
        for (const text of texts) insertEntry(messageId, 'steer', null, { text });
        database.write('DELETE FROM pending_steers WHERE message_id = ?', messageId);
      });
      return texts;
    },
    endTurn: (messageId, end, last) =>
      database.transaction(() => {
        if (last !== undefined && last.parts.length > 0) insertEntry(messageId, 'assistant', null, last);
        database.write(
          'UPDATE turns SET status = ?, reply = ?, refusal = ?, ended_at = ? WHERE message_id = ?',
          end.status,
          end.text,
          end.refusal ? JSON.stringify(end.refusal) : null,
          now(),
          messageId,
        );
      }),
    turnEntries,
    loadPrompt(messageId, maxChars) {
      const turns: PromptTurn[] = [];
      let chars = 0;
      const rows = database.read(
        `SELECT turns.message_id, turns.sender, turns.text FROM turns JOIN turns AS this
         ON this.message_id = ? AND turns.session = this.session AND turns.seq <= this.seq
         ORDER BY turns.seq DESC LIMIT 500`,
        messageId,
      );
      for (const row of rows) {
        const id = String(row.message_id);
        const size = database.read(
          'SELECT coalesce(sum(length(content)), 0) AS chars FROM entries WHERE message_id = ?',
          id,
        )[0];
        chars += Number(size?.chars ?? 0) + String(row.text).length;
        if (chars > maxChars && turns.length > 0) break;
        const messages = orderTurn(String(row.sender), String(row.text), turnEntries(id));
        turns.unshift({ messageId: id, messages });
      }
      return turns;
    },
    sessionRounds: (messageId) =>
      Number(
        database.read(
          `SELECT count(*) AS rounds FROM entries JOIN turns USING (message_id)
           WHERE session = (SELECT session FROM turns WHERE message_id = ?)
             AND kind = 'assistant' AND content LIKE '%"type":"call"%'`,
          messageId,
        )[0]?.rounds ?? 0,
      ),
    isFirstTurn: (messageId) =>
      database.read(
        `SELECT 1 FROM turns JOIN turns AS this
         ON this.message_id = ? AND turns.session = this.session AND turns.seq < this.seq LIMIT 1`,
        messageId,
      ).length === 0,
    page: (limit) => readPage(database, limit),
    reset: () => database.write('UPDATE session SET current = current + 1'),
  };
}

function parseEntry(row: Record<string, unknown>): TurnEntry {
  const content: unknown = JSON.parse(String(row.content));
  if (row.kind === 'assistant') return { kind: 'assistant', entry: AssistantEntry.parse(content) };
  if (row.kind === 'result') return { kind: 'result', entry: ResultEntry.parse(content) };
  return { kind: 'steer', text: SteerEntry.parse(content).text };
}

function unansweredCalls(entries: readonly TurnEntry[]): CallPart[] {
  const answered = new Set(entries.flatMap((item) => (item.kind === 'result' ? [item.entry.callId] : [])));
  return entries.flatMap((item) =>
    item.kind === 'assistant'
      ? item.entry.parts.filter((part) => part.type === 'call').filter((call) => !answered.has(call.callId))
      : [],
  );
}

function reused(messageId: string): OpenLegionError {
  return new OpenLegionError({
    code: 'conflict',
    rule: 'agent.message_id',
    message: `The message id ${messageId} was already used for another message.`,
    remedy: 'Send a new message under an id of its own.',
  });
}
