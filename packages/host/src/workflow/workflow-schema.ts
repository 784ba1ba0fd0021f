/**
 * One step of the schema of `data/mesh.db`. A definition is never removed: runs keep the one they started with.
 * `start_key` makes a start idempotent. States are JSON, held to the contract's schemas when they are read.
 */
export const WORKFLOW_MIGRATION = `
  CREATE TABLE workflow_definition (
    hash TEXT PRIMARY KEY, name TEXT NOT NULL, definition TEXT NOT NULL, yaml TEXT NOT NULL,
    proposed_by TEXT NOT NULL, proposed_at TEXT NOT NULL, accepted_by TEXT, accepted_at TEXT
  ) STRICT;
  CREATE INDEX workflow_definition_name ON workflow_definition (name);
  CREATE TABLE workflow_run (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, workflow TEXT NOT NULL, hash TEXT NOT NULL REFERENCES workflow_definition (hash),
    start_key TEXT UNIQUE, trace_id TEXT NOT NULL, status TEXT NOT NULL, record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX workflow_run_open ON workflow_run (ordinal) WHERE status = 'running';
  CREATE INDEX workflow_run_trace_open ON workflow_run (trace_id) WHERE status = 'running';
  CREATE INDEX workflow_run_of ON workflow_run (workflow, ordinal);
  CREATE TABLE workflow_step (
    run TEXT NOT NULL, step TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (run, step)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE workflow_item (
    run TEXT NOT NULL, item TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (run, item)
  ) STRICT, WITHOUT ROWID;
`;
