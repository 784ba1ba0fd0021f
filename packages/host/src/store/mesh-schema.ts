import { APPROVAL_MIGRATION } from '../approvals/approval-schema.ts';
import { ARTIFACT_SCHEMA } from '../artifacts/artifacts.ts';
import { BLACKBOARD_SCHEMA } from '../blackboard/blackboard-schema.ts';
import { PERSON_TOKEN_SCHEMA } from '../control/person-tokens.ts';
import { PUBSUB_SCHEMA } from '../pubsub/pubsub-schema.ts';
import { TOOL_PIN_MIGRATION } from '../skills/tool-pin-schema.ts';
import { SPAWN_SCHEMA } from '../spawn/spawn-schema.ts';
import { TASK_SCHEMA } from '../tasks/task-schema.ts';
import { TRACE_SCHEMA } from '../traces/trace-schema.ts';
import { WORKFLOW_MIGRATION } from '../workflow/workflow-schema.ts';
import type { Migrations } from './migrate.ts';

/**
 * The schema of `data/mesh.db`. `message.ordinal` is the order of a lane; `message.merged_into` is the message in
 * whose turn this one is answered (collect, steer). `event.seq` and deltas that are never stored share one
 * numbering, of which `event_seq.reserved` is the upper bound handed out. `budget_warned` holds the limits that were
 * warned of.
 */
export const MESH_MIGRATIONS: Migrations = [
  `
  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, type TEXT NOT NULL, actor TEXT NOT NULL, subject TEXT NOT NULL,
    decision TEXT NOT NULL, rule TEXT NOT NULL, trace_id TEXT NOT NULL, detail TEXT NOT NULL,
    previous_hash TEXT NOT NULL, hash TEXT NOT NULL
  ) STRICT;
  CREATE TABLE audit_checkpoint (
    seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, at TEXT NOT NULL, signature TEXT NOT NULL
  ) STRICT;
  CREATE TABLE message (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, trace_id TEXT NOT NULL, parent_id TEXT, hops INTEGER NOT NULL,
    agent TEXT NOT NULL, sender TEXT NOT NULL, mode TEXT NOT NULL, text TEXT NOT NULL,
    idempotency_key TEXT, status TEXT NOT NULL, attempt INTEGER NOT NULL DEFAULT 0,
    host_ends INTEGER NOT NULL DEFAULT 0, merged_into TEXT,
    reply TEXT, refusal TEXT, charged_micro_usd INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL, started_at TEXT, finished_at TEXT
  ) STRICT;
  CREATE UNIQUE INDEX message_key ON message (sender, idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE INDEX message_open ON message (agent, ordinal) WHERE status IN ('queued', 'running');
  CREATE INDEX message_trace_open ON message (trace_id) WHERE status IN ('queued', 'running');
  CREATE INDEX message_merged ON message (merged_into) WHERE merged_into IS NOT NULL;
  CREATE TABLE event (
    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, agent TEXT NOT NULL, message_id TEXT NOT NULL,
    trace_id TEXT NOT NULL, event TEXT NOT NULL
  ) STRICT;
  CREATE INDEX event_trace ON event (trace_id, seq);
  CREATE TABLE event_seq (one INTEGER PRIMARY KEY CHECK (one = 1), reserved INTEGER NOT NULL) STRICT;
  INSERT INTO event_seq VALUES (1, 0);
  `,
  `
  CREATE TABLE budget_warned (
    scope TEXT NOT NULL, period TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (scope, period)
  ) STRICT;
  `,
  PERSON_TOKEN_SCHEMA + TRACE_SCHEMA,
  APPROVAL_MIGRATION,
  BLACKBOARD_SCHEMA + PUBSUB_SCHEMA + TASK_SCHEMA,
  'ALTER TABLE message ADD COLUMN asked_by TEXT;',
  WORKFLOW_MIGRATION,
  'CREATE INDEX topic_event_trace ON topic_event (trace_id) WHERE live > 0;',
  TOOL_PIN_MIGRATION,
  SPAWN_SCHEMA + ARTIFACT_SCHEMA,
  "CREATE INDEX topic_delivery_event ON topic_delivery (event_seq) WHERE state = 'live' AND push = 1;",
];
