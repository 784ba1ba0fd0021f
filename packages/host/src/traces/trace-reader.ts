import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { TraceList, TraceView } from '@openlegion/contract/trace';
import type { AuditLog } from '../audit/audit-log.ts';
import type { ReadChain } from '../audit/first-record-at.ts';
import { type Clock, isoTime } from '../clock.ts';
import type { EventLog } from '../delivery/event-log.ts';
import { type Message, messageOf } from '../lanes/message.ts';
import type { Database } from '../store/database.ts';
import { integerOf, textOf } from '../store/row.ts';
import { buildSpans, type TraceParts } from './build-spans.ts';
import { readEgress } from './read-egress.ts';
import { groupSpans, summariseTrace } from './summarise-trace.ts';

const MOST_MESSAGES = 500;
const MOST_EVENTS = 20_000;
/** For one line of a list, fewer events of a trace are looked at. */
const MOST_EVENTS_LISTED = 2_000;

/** Traces, read from what is there already: messages, the event log, the two audit chains. Nothing is kept twice. */
export interface TraceReader {
  /** Newest first; `before` is where the page before this one ended. */
  list(asked: { before: number | null; limit: number; agent: string | null }): TraceList;
  /** Throws `not_found`. */
  show(traceId: string): Promise<TraceView>;
  /** What it is read from. Throws `not_found`. */
  parts(traceId: string): Promise<TraceParts & { missing: TraceView['missing'] }>;
}

export function createTraceReader(parts: {
  database: Database;
  events: EventLog;
  audit: AuditLog;
  readKeeper: ReadChain;
  clock: Clock;
}): TraceReader {
  const { database, events, audit, readKeeper, clock } = parts;

  function messagesOf(traceId: string): Message[] {
    return database
      .all('SELECT * FROM message WHERE trace_id = ? ORDER BY ordinal LIMIT ?', traceId, MOST_MESSAGES)
      .map(messageOf);
  }

  async function partsOf(traceId: string): Promise<TraceParts & { missing: TraceView['missing'] }> {
    const messages = messagesOf(traceId);
    const [first] = messages;
    if (!first) throw unknownTrace(traceId);
    const missing: TraceView['missing'] = [];
    const found = events.readAfter(0, traceId, MOST_EVENTS);
    // Every message begins with an event: where its own is gone, others may be.
    if (!found.some(({ event, messageId }) => event.type === 'message_accepted' && messageId === first.id))
      missing.push('retention');
    if (found.length >= MOST_EVENTS || messages.length >= MOST_MESSAGES) missing.push('too_long');
    const ends = messages.map(({ finishedAt }) => finishedAt ?? isoTime(clock));
    const to = ends.sort().at(-1) ?? first.createdAt;
    const egress = await readEgress(readKeeper, { traceId, from: first.createdAt, to }).catch(() => {
      missing.push('keeper_away');
      return [];
    });
    return { messages, events: found, egress, approvals: audit.ofTrace(traceId, 'approval.'), missing };
  }

  return {
    list({ before, limit, agent }) {
      const rows = database.all(
        `SELECT trace_id, MIN(ordinal) AS first FROM message
         WHERE ?1 IS NULL OR trace_id IN (SELECT trace_id FROM message WHERE agent = ?1)
         GROUP BY trace_id HAVING ?2 IS NULL OR first < ?2 ORDER BY first DESC LIMIT ?3`,
        agent,
        before,
        limit,
      );
      const traces = rows.map((row) => {
        const traceId = textOf(row, 'trace_id');
        const messages = messagesOf(traceId);
        const found = events.readAfter(0, traceId, MOST_EVENTS_LISTED);
        return summariseTrace(messages, buildSpans({ messages, events: found, egress: [], approvals: [] }));
      });
      const last = rows.at(-1);
      return { traces, next: last && rows.length === limit ? integerOf(last, 'first') : null };
    },

    parts: partsOf,

    async show(traceId) {
      const { missing, ...found } = await partsOf(traceId);
      const spans = buildSpans(found);
      return { summary: summariseTrace(found.messages, spans), spans, groups: groupSpans(spans), missing };
    },
  };
}

function unknownTrace(traceId: string): OpenLegionError {
  return new OpenLegionError({
    code: 'not_found',
    rule: 'traces.unknown',
    message: `There is no trace ${JSON.stringify(traceId.slice(0, 100))}.`,
    remedy: './openlegion trace list shows those there are.',
  });
}
