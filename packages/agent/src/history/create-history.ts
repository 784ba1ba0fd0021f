import { ChatRequest, type HistoryPage } from '@openlegion/contract/agent-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { Refusal } from '@openlegion/contract/refusal';
import type { Database, SqlValue } from './database.ts';
import {
  AssistantEntry,
  type CallPart,
  RecordedResult,
  ResultEntry,
  SteerEntry,
  type TurnEnd,
} from './entry.ts';
import { orderTurn, type PlacedMessage, type TurnEntry } from './order-turn.ts';
import type { TaskGiven } from './prompt-turn.ts';
import { readPage } from './read-page.ts';

/** `subagent`: a task that a turn of the agent gave to a helper of its own. */
export type TurnMode = 'chat' | 'task' | 'heartbeat' | 'subagent';

export interface ReceivedMessage {
  messageId: string;
  traceId: string;
  from: string;
  text: string;
  mode: TurnMode;
  task?: TaskGiven | undefined;
}

/** `new`: recorded just now. `interrupted`: recorded earlier, never ended. `ended`: answered; `end` is the answer. */
export type TurnState =
  | { state: 'new' }
  | { state: 'interrupted'; unanswered: CallPart[] }
  | { state: 'ended'; end: TurnEnd };

/** The agent's memory of its conversations. Whatever a method has recorded is on disk when it returns. */
export interface History {
  /**
   * What people chat about goes on in the session; anything else is a session of its own, which begins and ends
   * with its one turn. Throws `conflict` when the id was already used for another text.
   */
  beginTurn(message: ReceivedMessage): TurnState;
  /** Before any of its calls run. */
  recordAssistant(messageId: string, entry: AssistantEntry): void;
  /** `picture`: the bytes of the one that `result` speaks of. The newest 16 are kept, of whatever turns. */
  recordResult(messageId: string, result: ResultEntry, picture?: Uint8Array): void;
  /** Undefined where it is kept no longer, and of a turn that failed: a model may have refused just this picture. */
  pictureOf(messageId: string, callId: string): Uint8Array | undefined;
  /** Until `endWaiting`, a call without a result waits for a person, and has not run. */
  recordWaiting(messageId: string, callId: string): void;
  endWaiting(messageId: string, callId: string): void;
  isWaiting(messageId: string, callId: string): boolean;
  /** What the loop itself tells the model, and why. `answer`, which it is about, is recorded with it. */
  recordNote(messageId: string, note: Required<SteerEntry>, answer?: AssistantEntry): void;
  addSteer(messageId: string, text: string): void;
  hasSteers(messageId: string): boolean;
  /** Moves waiting steers into the turn, at its present end, and returns their texts. */
  takeSteers(messageId: string): string[];
  /** `last` is recorded together with the end: a final answer without its end never exists. */
  endTurn(messageId: string, end: TurnEnd, last?: AssistantEntry): void;
  turnEntries(messageId: string): TurnEntry[];
  sessionOf(messageId: string): number;
  traceOf(messageId: string): string;
  /** This turn and those before it in its session, oldest first, from behind `after` on. */
  placedMessages(messageId: string, after: { seq: number; entry: number }): PlacedMessage[];
  /** Rounds of tool calls in this turn's session. */
  sessionRounds(messageId: string): number;
  isFirstTurn(messageId: string): boolean;
  page(limit: number): HistoryPage;
  /** Closes the session: what is in it stays on disk and leaves the prompt. */
  reset(): void;
}

const KEPT_PICTURES = 16;
const RecordedTask = ChatRequest.shape.task;

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
  const one = (sql: string, ...values: SqlValue[]) => database.read(sql, ...values)[0];
  const newSession = (mode: TurnMode) =>
    mode === 'chat'
      ? Number(one('SELECT current FROM session')?.current ?? 1)
      : // Below zero, where no reset comes.
        -1 - Number(one('SELECT coalesce(max(seq), 0) AS last FROM turns')?.last ?? 0);

  const moveSteers = (messageId: string): string[] => {
    const rows = database.read('SELECT text FROM pending_steers WHERE message_id = ? ORDER BY id', messageId);
    const texts = rows.map((row) => String(row.text));
    for (const text of texts) insertEntry(messageId, 'steer', null, { text });
    if (texts.length > 0) database.write('DELETE FROM pending_steers WHERE message_id = ?', messageId);
    return texts;
  };

  const turnEntries = (messageId: string): TurnEntry[] =>
    database
      .read('SELECT id, kind, content FROM entries WHERE message_id = ? ORDER BY id', messageId)
      .map(parseEntry);

  return {
    beginTurn(message) {
      const task = message.task === undefined ? null : JSON.stringify(message.task);
      const row = one('SELECT * FROM turns WHERE message_id = ?', message.messageId);
      if (row === undefined) {
        database.write(
          `INSERT INTO turns (message_id, session, trace_id, sender, text, mode, task, status, started_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, 'running', ?)`,
          message.messageId,
          newSession(message.mode),
          message.traceId,
          message.from,
          message.text,
          message.mode,
          task,
          now(),
        );
        return { state: 'new' };
      }
      if (row.text !== message.text || row.sender !== message.from || row.task !== task)
        throw reused(message.messageId);
      const end = endOf(row);
      if (end) return { state: 'ended', end };
      return { state: 'interrupted', unanswered: unansweredCalls(turnEntries(message.messageId)) };
    },
    recordAssistant: (messageId, entry) => insertEntry(messageId, 'assistant', null, entry),
    recordResult(messageId, result, picture) {
      const { callId } = result;
      if (picture === undefined) return insertEntry(messageId, 'result', callId, result);
      database.transaction(() => {
        insertEntry(messageId, 'result', callId, result);
        database.write(
          'INSERT INTO pictures (message_id, call_id, bytes) VALUES (?, ?, ?)',
          messageId,
          callId,
          picture,
        );
        database.write(
          'DELETE FROM pictures WHERE id NOT IN (SELECT id FROM pictures ORDER BY id DESC LIMIT ?)',
          KEPT_PICTURES,
        );
      });
    },
    pictureOf(messageId, callId) {
      const bytes = one(
        `SELECT bytes FROM pictures JOIN turns USING (message_id)
         WHERE message_id = ? AND call_id = ? AND status <> 'failed'`,
        messageId,
        callId,
      )?.bytes;
      return bytes instanceof Uint8Array ? bytes : undefined;
    },
    recordWaiting: (messageId, callId) =>
      database.write('INSERT INTO waiting_calls (message_id, call_id) VALUES (?, ?)', messageId, callId),
    endWaiting: (messageId, callId) =>
      database.write('DELETE FROM waiting_calls WHERE message_id = ? AND call_id = ?', messageId, callId),
    isWaiting: (messageId, callId) =>
      one('SELECT 1 FROM waiting_calls WHERE message_id = ? AND call_id = ?', messageId, callId) !==
      undefined,
    recordNote: (messageId, note, answer) =>
      database.transaction(() => {
        if (answer !== undefined) insertEntry(messageId, 'assistant', null, answer);
        insertEntry(messageId, 'steer', null, note);
      }),
    addSteer: (messageId, text) =>
      database.write(
        'INSERT INTO pending_steers (message_id, text, at) VALUES (?, ?, ?)',
        messageId,
        text,
        now(),
      ),
    hasSteers: (messageId) =>
      one('SELECT 1 FROM pending_steers WHERE message_id = ? LIMIT 1', messageId) !== undefined,
    takeSteers: (messageId) => database.transaction(() => moveSteers(messageId)),
    endTurn: (messageId, end, last) =>
      database.transaction(() => {
        if (last !== undefined && last.parts.length > 0) insertEntry(messageId, 'assistant', null, last);
        // Said too late for this turn, it is not too late for the next.
        moveSteers(messageId);
        const { result, promotions } = end;
        database.write(
          'UPDATE turns SET status = ?, reply = ?, result = ?, refusal = ?, ended_at = ? WHERE message_id = ?',
          end.status,
          end.text,
          result === undefined ? null : JSON.stringify({ result, promotions }),
          end.refusal ? JSON.stringify(end.refusal) : null,
          now(),
          messageId,
        );
      }),
    turnEntries,
    sessionOf: (messageId) =>
      Number(one('SELECT session FROM turns WHERE message_id = ?', messageId)?.session ?? 0),
    traceOf: (messageId) =>
      String(one('SELECT trace_id FROM turns WHERE message_id = ?', messageId)?.trace_id ?? ''),
    placedMessages: (messageId, after) =>
      database
        .read(
          `SELECT turns.* FROM turns JOIN turns AS this
           ON this.message_id = ? AND turns.session = this.session
             AND turns.seq <= this.seq AND (turns.seq >= ? OR turns.seq = this.seq)
           ORDER BY turns.seq`,
          messageId,
          after.seq,
        )
        .flatMap((row) => {
          const [id, sender, text] = [String(row.message_id), String(row.sender), String(row.text)];
          const turn = { messageId: id, seq: Number(row.seq), sender, text, task: taskOf(row) };
          return orderTurn(turn, turnEntries(id));
        })
        .filter(({ seq, entry }) => seq > after.seq || entry > after.entry),
    sessionRounds: (messageId) =>
      Number(
        one(
          `SELECT count(*) AS rounds FROM entries JOIN turns USING (message_id)
           WHERE session = (SELECT session FROM turns WHERE message_id = ?)
             AND kind = 'assistant' AND content LIKE '%"type":"call"%'`,
          messageId,
        )?.rounds ?? 0,
      ),
    isFirstTurn: (messageId) =>
      one(
        `SELECT 1 FROM turns JOIN turns AS this
         ON this.message_id = ? AND turns.session = this.session AND turns.seq < this.seq LIMIT 1`,
        messageId,
      ) === undefined,
    page: (limit) => readPage(database, limit),
    reset: () => database.write('UPDATE session SET current = current + 1'),
  };
}

function endOf(row: Record<string, unknown>): TurnEnd | undefined {
  const { status, refusal, result } = row;
  if (status !== 'complete' && status !== 'cancelled' && status !== 'failed') return undefined;
  const recorded = typeof result === 'string' ? RecordedResult.parse(JSON.parse(result)) : {};
  return {
    status,
    text: String(row.reply ?? ''),
    ...(recorded.result === undefined ? {} : { result: recorded.result }),
    ...(recorded.promotions === undefined ? {} : { promotions: recorded.promotions }),
    ...(typeof refusal === 'string' ? { refusal: Refusal.parse(JSON.parse(refusal)) } : {}),
  };
}

function taskOf(row: Record<string, unknown>): TaskGiven | undefined {
  return typeof row.task === 'string' ? RecordedTask.parse(JSON.parse(row.task)) : undefined;
}

function parseEntry(row: Record<string, unknown>): TurnEntry {
  const id = Number(row.id);
  const content: unknown = JSON.parse(String(row.content));
  if (row.kind === 'assistant') return { id, kind: 'assistant', entry: AssistantEntry.parse(content) };
  if (row.kind === 'result') return { id, kind: 'result', entry: ResultEntry.parse(content) };
  return { id, kind: 'steer', entry: SteerEntry.parse(content) };
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
