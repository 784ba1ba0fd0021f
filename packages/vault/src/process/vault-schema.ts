/** Forward only; `PRAGMA user_version` counts those that have run. One that has been released is never changed. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE sealed (name TEXT PRIMARY KEY, box BLOB NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE credential (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    origins TEXT NOT NULL,
    canary INTEGER NOT NULL,
    box BLOB NOT NULL,
    created_at TEXT NOT NULL,
    last_used_at TEXT
  ) STRICT;

  -- Open reservations only: one that is settled or charged becomes part of the sums and of the audit chain.
  CREATE TABLE reservation (
    id TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    day TEXT NOT NULL,
    micro_usd INTEGER NOT NULL CHECK (micro_usd >= 0)
  ) STRICT, WITHOUT ROWID;

  -- Sums per scope (fleet, agent:NAME) and period (2026-11-21, 2026-11), so that admission costs the same however many calls there were.
  CREATE TABLE tally (
    scope TEXT NOT NULL,
    period TEXT NOT NULL,
    spent INTEGER NOT NULL DEFAULT 0 CHECK (spent >= 0),
    reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    calls INTEGER NOT NULL DEFAULT 0,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (period, scope)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    type TEXT NOT NULL,
    actor TEXT NOT NULL,
    subject TEXT NOT NULL,
    decision TEXT NOT NULL,
    rule TEXT NOT NULL,
    traceId TEXT NOT NULL,
    detail TEXT NOT NULL,
    previousHash TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;

  CREATE TABLE checkpoint (
    chain TEXT NOT NULL,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    at TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (chain, seq)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What is on disk as the most that this sum can be, whatever of it a power failure takes back.
  ALTER TABLE tally ADD COLUMN assured INTEGER NOT NULL DEFAULT 0 CHECK (assured >= 0);
  CREATE INDEX tally_assured ON tally (period) WHERE assured > 0;

  CREATE TABLE run (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    boot_id TEXT,
    ended INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- Where a credential may go, and the agent that made it. Canaries are known by their names.
  ALTER TABLE credential ADD COLUMN bindings TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE credential ADD COLUMN environment TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE credential ADD COLUMN owner TEXT;
  ALTER TABLE credential DROP COLUMN canary;

  -- JSON: whose sums a reservation counts in, however the policy changes before it is settled.
  ALTER TABLE reservation ADD COLUMN scopes TEXT NOT NULL DEFAULT '[]';
  UPDATE reservation SET scopes = json_array('agent:' || agent, 'fleet');

  CREATE TABLE warning (
    scope TEXT NOT NULL,
    period TEXT NOT NULL,
    spent INTEGER NOT NULL,
    micro_usd INTEGER NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (period, scope)
  ) STRICT, WITHOUT ROWID;

  -- Counts, so that it changes a page: SQLite forces nothing to disk for a commit that changes none.
  ALTER TABLE run ADD COLUMN forced INTEGER NOT NULL DEFAULT 0;
  `,
];
