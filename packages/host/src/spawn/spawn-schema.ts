/** A step of the schema of `data/mesh.db`. `asked` is the JSON of what was asked for; `ended_at` is null while it lives. */
export const SPAWN_SCHEMA = `
  CREATE TABLE spawned_agent (
    name TEXT PRIMARY KEY, parent TEXT NOT NULL, idempotency_key TEXT NOT NULL, task_id TEXT NOT NULL,
    asked TEXT NOT NULL, depth INTEGER NOT NULL, ends_at INTEGER NOT NULL, ended_at INTEGER,
    UNIQUE (parent, idempotency_key)
  ) STRICT;
  CREATE INDEX spawned_open ON spawned_agent (parent) WHERE ended_at IS NULL;
`;
