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
  `ALTER TABLE turns ADD COLUMN mode TEXT NOT NULL DEFAULT 'chat';
   ALTER TABLE turns ADD COLUMN task TEXT;
   ALTER TABLE turns ADD COLUMN result TEXT;
   CREATE TABLE contexts (
     session INTEGER PRIMARY KEY,
     facts_seq INTEGER NOT NULL DEFAULT 0,
     facts_entry INTEGER NOT NULL DEFAULT 0,
     summary TEXT NOT NULL DEFAULT '',
     summary_seq INTEGER NOT NULL DEFAULT 0,
     summary_entry INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE TABLE constraints (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     session INTEGER NOT NULL,
     text TEXT NOT NULL,
     sure INTEGER NOT NULL,
     UNIQUE (session, text)
   ) STRICT;
   CREATE TABLE recalled (message_id TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT`,
  `CREATE TABLE free_facts (id INTEGER PRIMARY KEY) STRICT;
   CREATE TABLE facts (
     id INTEGER PRIMARY KEY,
     text TEXT NOT NULL,
     fingerprint TEXT NOT NULL,
     category TEXT NOT NULL,
     scope TEXT NOT NULL,
     key TEXT NOT NULL,
     trusted INTEGER NOT NULL,
     source TEXT NOT NULL,
     message_id TEXT NOT NULL,
     trace_id TEXT NOT NULL,
     at TEXT NOT NULL,
     accesses INTEGER NOT NULL DEFAULT 0,
     accessed_at INTEGER NOT NULL,
     fades_before INTEGER NOT NULL,
     space INTEGER NOT NULL DEFAULT 0,
     UNIQUE (fingerprint, scope, key)
   ) STRICT;
   CREATE INDEX facts_of_scope ON facts (scope, key);
   CREATE INDEX facts_of_category ON facts (category, trusted);
   CREATE INDEX facts_of_space ON facts (space);
   CREATE TABLE replaced_facts (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     fact INTEGER NOT NULL,
     text TEXT NOT NULL,
     trusted INTEGER NOT NULL,
     source TEXT NOT NULL,
     message_id TEXT NOT NULL,
     trace_id TEXT NOT NULL,
     at TEXT NOT NULL
   ) STRICT;
   CREATE INDEX replaced_of_fact ON replaced_facts (fact, seq);
   CREATE VIRTUAL TABLE fact_words USING fts5 (
     words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
   );
   CREATE TABLE word_spellings (
     spelling TEXT NOT NULL,
     word TEXT NOT NULL,
     PRIMARY KEY (spelling, word)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE vector_spaces (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
   CREATE TABLE vectors (id INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT;
   CREATE TABLE signatures (
     space INTEGER NOT NULL,
     page INTEGER NOT NULL,
     bits BLOB NOT NULL,
     PRIMARY KEY (space, page)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE memory_state (fades INTEGER NOT NULL) STRICT;
   INSERT INTO memory_state VALUES (0)`,
  `CREATE TABLE note_files (path TEXT PRIMARY KEY, stamp TEXT NOT NULL) STRICT;
   CREATE TABLE note_passages (
     id INTEGER PRIMARY KEY,
     path TEXT NOT NULL,
     line INTEGER NOT NULL,
     text TEXT NOT NULL
   ) STRICT;
   CREATE INDEX passages_of_file ON note_passages (path);
   CREATE VIRTUAL TABLE note_words USING fts5 (
     words, content = '', contentless_delete = 1, tokenize = 'ascii'
   )`,
  `CREATE TABLE pictures (
     id INTEGER PRIMARY KEY,
     message_id TEXT NOT NULL,
     call_id TEXT NOT NULL,
     bytes BLOB NOT NULL,
     UNIQUE (message_id, call_id)
   ) STRICT`,
  `CREATE TABLE given_files (path TEXT PRIMARY KEY, digest TEXT NOT NULL) STRICT;
   CREATE TABLE waiting_calls (
     message_id TEXT NOT NULL,
     call_id TEXT NOT NULL,
     PRIMARY KEY (message_id, call_id)
   ) STRICT, WITHOUT ROWID`,
];
