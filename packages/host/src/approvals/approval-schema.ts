/**
 * One step of the schema of `data/mesh.db`. `subject` is canonical JSON, `hash` SHA-256 over it. `key` makes asking
 * idempotent: one question, one row, one answer. `use_key` is what an approval was spent on.
 */
export const APPROVAL_MIGRATION = `
  CREATE TABLE approval (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, asker TEXT NOT NULL, what TEXT NOT NULL,
    subject TEXT NOT NULL, hash TEXT NOT NULL, trace_id TEXT NOT NULL, message_id TEXT NOT NULL,
    status TEXT NOT NULL, note TEXT NOT NULL, answered_by TEXT,
    asked_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, answered_at INTEGER, used_at INTEGER, use_key TEXT
  ) STRICT;
  CREATE INDEX approval_pending ON approval (expires_at) WHERE status = 'pending';
  CREATE INDEX approval_of ON approval (asker, ordinal);
`;
