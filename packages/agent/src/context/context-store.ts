import type { Database } from '../history/database.ts';

/** A place in a session: everything up to this entry of this turn. */
export interface Place {
  seq: number;
  entry: number;
}

export interface ContextState {
  summary: string;
  /** What the summary stands for, and what facts were taken out of. */
  summarised: Place;
  extracted: Place;
  /** The user's words that hold from then on, in the order in which they were said. */
  constraints: Constraint[];
}

/** A sentence of a person. `sure`: the model took it for one too, not a word in it alone. */
export interface Constraint {
  text: string;
  sure: boolean;
}

/** What became of each session's conversation beside its transcript. On disk when a method returns. */
export interface ContextStore {
  load(session: number): ContextState;
  saveExtracted(session: number, constraints: readonly Constraint[], upTo: Place): void;
  saveSummary(session: number, summary: string, upTo: Place): void;
  /** What was recalled for a message, undefined where nobody looked yet. */
  recalled(messageId: string): string | undefined;
  saveRecalled(messageId: string, text: string): void;
}

export function createContextStore(database: Database): ContextStore {
  const ensure = (session: number) =>
    database.write('INSERT OR IGNORE INTO contexts (session) VALUES (?)', session);
  return {
    load(session) {
      const row = database.read('SELECT * FROM contexts WHERE session = ?', session)[0] ?? {};
      const constraints = database.read(
        'SELECT text, sure FROM constraints WHERE session = ? ORDER BY id',
        session,
      );
      return {
        summary: String(row.summary ?? ''),
        summarised: { seq: Number(row.summary_seq ?? 0), entry: Number(row.summary_entry ?? 0) },
        extracted: { seq: Number(row.facts_seq ?? 0), entry: Number(row.facts_entry ?? 0) },
        constraints: constraints.map(({ text, sure }) => ({ text: String(text), sure: sure === 1 })),
      };
    },
    saveExtracted: (session, constraints, { seq, entry }) =>
      database.transaction(() => {
        ensure(session);
        for (const { text, sure } of constraints) {
          // Said again, it is later than what was said between.
          database.write('DELETE FROM constraints WHERE session = ? AND text = ?', session, text);
          database.write(
            'INSERT INTO constraints (session, text, sure) VALUES (?, ?, ?)',
            session,
            text,
            Number(sure),
          );
        }
        database.write(
          'UPDATE contexts SET facts_seq = ?, facts_entry = ? WHERE session = ?',
          seq,
          entry,
          session,
        );
      }),
    saveSummary: (session, summary, { seq, entry }) =>
      database.transaction(() => {
        ensure(session);
        database.write(
          'UPDATE contexts SET summary = ?, summary_seq = ?, summary_entry = ? WHERE session = ?',
          summary,
          seq,
          entry,
          session,
        );
      }),
    recalled(messageId) {
      const row = database.read('SELECT text FROM recalled WHERE message_id = ?', messageId)[0];
      return row === undefined ? undefined : String(row.text);
    },
    saveRecalled: (messageId, text) =>
      database.write('INSERT OR REPLACE INTO recalled (message_id, text) VALUES (?, ?)', messageId, text),
  };
}
