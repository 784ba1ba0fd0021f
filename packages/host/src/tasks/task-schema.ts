/**
 * A step of the schema of `data/mesh.db`. `task_change` is the record of every move. `task_errand` is what the host
 * has still to do for a task: give it to its agent (`dispatch`), stop its turn (`recall`), give the result back
 * (`result`, and to the `person` where that cannot be), tell that it needs a look (`attention`); `due_at` is null
 * when it gave up. Times are milliseconds since the epoch.
 */
export const TASK_SCHEMA = `
  CREATE TABLE task (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, origin TEXT NOT NULL,
    origin_name TEXT NOT NULL, idempotency_key TEXT NOT NULL, digest TEXT NOT NULL, asked_by TEXT,
    trace_id TEXT NOT NULL, parent_id TEXT, hops INTEGER NOT NULL, assignee TEXT NOT NULL, addressed_to TEXT NOT NULL,
    text TEXT NOT NULL, status TEXT NOT NULL, note TEXT NOT NULL DEFAULT '', result TEXT NOT NULL DEFAULT 'null',
    refusal TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, finished_at INTEGER,
    details TEXT NOT NULL DEFAULT 'null', deadline_at INTEGER, told INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE UNIQUE INDEX task_key ON task (origin_name, idempotency_key);
  CREATE INDEX task_open_of ON task (assignee, ordinal) WHERE finished_at IS NULL;
  CREATE INDEX task_open_from ON task (origin_name, ordinal) WHERE finished_at IS NULL;
  CREATE INDEX task_trace ON task (trace_id, ordinal);
  CREATE INDEX task_deadline ON task (deadline_at) WHERE finished_at IS NULL AND deadline_at IS NOT NULL;
  CREATE INDEX task_finished ON task (finished_at) WHERE finished_at IS NOT NULL;
  CREATE TABLE task_change (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL,
    from_status TEXT, to_status TEXT NOT NULL, note TEXT NOT NULL
  ) STRICT;
  CREATE INDEX task_change_of ON task_change (task_id, seq);
  CREATE TABLE task_errand (
    task_id TEXT NOT NULL, kind TEXT NOT NULL, trace_id TEXT NOT NULL, reason TEXT NOT NULL,
    attempt INTEGER NOT NULL, due_at INTEGER, PRIMARY KEY (task_id, kind)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX task_errand_due ON task_errand (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX task_errand_trace ON task_errand (trace_id) WHERE due_at IS NOT NULL;
`;
