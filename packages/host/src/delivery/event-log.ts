import { FleetEvent } from '@openlegion/contract/control-api';
import { type Clock, isoTime } from '../clock.ts';
import type { Database, Transaction } from '../store/database.ts';
import { integerOf, type Row } from '../store/row.ts';

/** What happened, before it has a number and a time. */
export type NewEvent = Omit<FleetEvent, 'seq' | 'at'>;

/** Sequence numbers are handed out in blocks of this many, so that a delta costs no write. */
const SEQ_BLOCK = 100_000;
/** The newest events kept in memory, deltas included: by count and by characters of text. */
const RING_EVENTS = 5_000;
const RING_CHARACTERS = 8 * 1024 * 1024;
const FLUSH_MS = 50;

/** How many stored events of claims (what an agent said of its turn) one message may add, and how large. */
const CLAIMS_PER_MESSAGE = 2_000;
const CLAIM_CHARACTERS_PER_MESSAGE = 4 * 1024 * 1024;

/**
 * Everything that happens, numbered. What the host says is stored with what it tells of; what an agent claims is
 * stored a little later, in batches; deltas are only kept in memory for a while.
 */
export interface EventLog {
  /** In the caller's transaction. The event reaches subscribers by `announce`, after the commit. */
  store(transaction: Transaction, event: NewEvent): FleetEvent;
  announce(event: FleetEvent): void;
  /** Not stored at once; for claims of an agent. Deltas are never stored. */
  publish(event: NewEvent): void;
  /** `store` and `announce` in a transaction of its own. */
  record(event: NewEvent): Promise<void>;
  /** Events after `after`, oldest first, at most `limit`: from memory where it reaches back so far. */
  readAfter(after: number, traceId: string | null, limit: number): FleetEvent[];
  lastSeq(): number;
  /** Called with every event, in the order of numbers. Returns how to stop it. */
  onEvent(listener: (event: FleetEvent) => void): () => void;
  /** Stores what is waiting. */
  flush(): Promise<void>;
}

export function createEventLog(options: {
  database: Database;
  clock: Clock;
  warn: (message: string) => void;
}): EventLog {
  const { database, clock, warn } = options;
  const listeners = new Set<(event: FleetEvent) => void>();
  const ring: { event: FleetEvent; characters: number }[] = [];
  let ringCharacters = 0;
  let waiting: FleetEvent[] = [];
  let cancelFlush: (() => void) | undefined;
  /** Numbers of what is stored with something else and not announced yet, ascending; nothing behind them is told. */
  const unannounced = new Set<number>();
  const held: FleetEvent[] = [];
  const claims = new Map<string, { count: number; characters: number }>();

  let seq = integerOf(
    database.get('SELECT MAX(reserved, (SELECT COALESCE(MAX(seq), 0) FROM event)) AS seq FROM event_seq') ??
      {},
    'seq',
  );
  let reserved = seq;
  let forgottenUpTo = seq;
  reserveBlock();

  /** Ahead of need, so that after a crash no number is given twice, not even that of a delta. */
  function reserveBlock(): void {
    const upTo = reserved + SEQ_BLOCK;
    reserved = upTo;
    database
      .write((transaction) => transaction.run('UPDATE event_seq SET reserved = MAX(reserved, ?)', upTo))
      .catch((error) => warn(`event numbers could not be reserved: ${messageOf(error)}`));
  }

  function next(event: NewEvent): FleetEvent {
    seq += 1;
    if (seq > reserved - SEQ_BLOCK / 2) reserveBlock();
    return { seq, at: isoTime(clock), ...event };
  }

  /** In the order of numbers: a reader at the end goes on behind the last it was told. */
  function announce(event: FleetEvent): void {
    unannounced.delete(event.seq);
    held.push(event);
    release();
  }

  function release(): void {
    held.sort((a, b) => a.seq - b.seq);
    for (;;) {
      const [lowest = Number.POSITIVE_INFINITY] = unannounced;
      const [first] = held;
      if (!first || first.seq > lowest) return;
      held.shift();
      tell(first);
    }
  }

  function tell(event: FleetEvent): void {
    const characters = JSON.stringify(event).length;
    const kept = { event, characters };
    if ((ring.at(-1)?.event.seq ?? 0) < event.seq) ring.push(kept);
    else ring.splice(firstAfter(event.seq), 0, kept);
    ringCharacters += characters;
    while (ring.length > RING_EVENTS || ringCharacters > RING_CHARACTERS) {
      const oldest = ring.shift();
      if (!oldest) break;
      ringCharacters -= oldest.characters;
      forgottenUpTo = Math.max(forgottenUpTo, oldest.event.seq);
    }
    for (const listener of listeners) listener(event);
  }

  /** The index in the ring of the first event numbered above `after`. */
  function firstAfter(after: number): number {
    let low = 0;
    let high = ring.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ring[middle]?.event.seq ?? 0) > after) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  function readStored(after: number, traceId: string | null, limit: number): FleetEvent[] {
    const rows =
      traceId === null
        ? database.all(
            'SELECT * FROM event WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?',
            after,
            forgottenUpTo,
            limit,
          )
        : database.all(
            'SELECT * FROM event WHERE trace_id = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?',
            traceId,
            after,
            forgottenUpTo,
            limit,
          );
    return rows.map(eventOf);
  }

  function insert(transaction: Transaction, event: FleetEvent): void {
    const { agent, messageId, traceId } = event;
    const text = JSON.stringify(event.event);
    transaction.run(
      'INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?)',
      event.seq,
      event.at,
      agent,
      messageId,
      traceId,
      text,
    );
  }

  /** A hostile agent may claim without end: what it claims beyond the bound is shown, not stored. */
  function worthStoring(event: FleetEvent): boolean {
    if (event.event.type !== 'turn') return true;
    if (event.event.turn.type.endsWith('_delta')) return false;
    const used = claims.get(event.messageId) ?? { count: 0, characters: 0 };
    used.count += 1;
    used.characters += JSON.stringify(event.event).length;
    claims.set(event.messageId, used);
    if (claims.size > 10_000) claims.delete(claims.keys().next().value ?? '');
    return used.count <= CLAIMS_PER_MESSAGE && used.characters <= CLAIM_CHARACTERS_PER_MESSAGE;
  }

  async function flush(): Promise<void> {
    cancelFlush?.();
    cancelFlush = undefined;
    if (waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    await database.write((transaction) => {
      for (const event of batch) insert(transaction, event);
    });
  }

  function flushLater(): void {
    cancelFlush ??= clock.after(FLUSH_MS, () => {
      flush().catch((error) => warn(`what an agent reported was not stored: ${messageOf(error)}`));
    });
  }

  function store(transaction: Transaction, event: NewEvent): FleetEvent {
    const numbered = next(event);
    insert(transaction, numbered);
    unannounced.add(numbered.seq);
    // Announced by then, or undone.
    setImmediate(() => setImmediate(() => unannounced.delete(numbered.seq) && release()));
    return numbered;
  }

  return {
    store,
    announce,
    publish(event) {
      const numbered = next(event);
      announce(numbered);
      if (!worthStoring(numbered)) return;
      waiting.push(numbered);
      flushLater();
    },
    async record(event) {
      announce(await database.write((transaction) => store(transaction, event)));
    },
    readAfter(after, traceId, limit) {
      const found = after >= forgottenUpTo ? [] : readStored(after, traceId, limit);
      for (let index = firstAfter(Math.max(after, forgottenUpTo)); index < ring.length; index += 1) {
        if (found.length >= limit) break;
        const event = ring[index]?.event;
        if (event && (traceId === null || event.traceId === traceId)) found.push(event);
      }
      return found;
    },
    lastSeq: () => seq,
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    flush,
  };
}

function eventOf(row: Row): FleetEvent {
  return FleetEvent.parse({
    seq: row.seq,
    at: row.at,
    agent: row.agent,
    messageId: row.message_id,
    traceId: row.trace_id,
    event: JSON.parse(String(row.event)),
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown';
}
