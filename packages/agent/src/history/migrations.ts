/** Forward only: a database of version n has had the first n applied. Never edit one that was released. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE turns (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     message_id TEXT NOT NULL UNIQUE,
     session INTEGER NOT NULL,
     trace_id TEXT NOT NULL,
     sender TEXT NOT NULL,
     text TEXT NOT NULL,
     status TEXT NOT NULL CHECK (status IN ('running', 'complete', 'cancelled', 'failed')),
     reply TEXT,
     refusal TEXT,
     started_at TEXT NOT NULL,
     ended_at TEXT
   ) STRICT;
   CREATE TABLE entries (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     message_id TEXT NOT NULL REFERENCES turns (message_id),
     kind TEXT NOT NULL CHECK (kind IN ('assistant', 'result', 'steer')),
     call_id TEXT,
     content TEXT NOT NULL,
     at TEXT NOT NULL,
     UNIQUE (message_id, call_id)
   ) STRICT;
   CREATE INDEX entries_of_turn ON entries (message_id, id);
   CREATE TABLE pending_steers (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     message_id TEXT NOT NULL REFERENCES turns (message_id),
     text TEXT NOT NULL,
     at TEXT NOT NULL
   ) STRICT;
   CREATE TABLE session (current INTEGER NOT NULL) STRICT;
   INSERT INTO session VALUES (1)`,
];
