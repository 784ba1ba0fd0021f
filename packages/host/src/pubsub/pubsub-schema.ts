/**
 * A step of the schema of `data/mesh.db`. An event has one `topic_delivery` for each subscription there was when it
 * was published, until that is acknowledged; `live` counts those on their way, `dead` the dead letters; when both
 * are 0 the payload is dropped and only the idempotency key stays for a while. Times are milliseconds since the
 * epoch.
 */
export const PUBSUB_SCHEMA = `
  CREATE TABLE topic_subscription (
    id INTEGER PRIMARY KEY AUTOINCREMENT, namespace TEXT NOT NULL, topic TEXT NOT NULL, subscriber TEXT NOT NULL,
    mode TEXT NOT NULL, created_at INTEGER NOT NULL, UNIQUE (namespace, topic, subscriber)
  ) STRICT;
  CREATE INDEX topic_subscription_of ON topic_subscription (subscriber);
  CREATE TABLE topic_event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL, topic TEXT NOT NULL,
    payload TEXT NOT NULL, digest TEXT NOT NULL, publisher TEXT NOT NULL, trace_id TEXT NOT NULL,
    hops INTEGER NOT NULL, at INTEGER NOT NULL, idempotency_key TEXT, live INTEGER NOT NULL, dead INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX topic_event_key ON topic_event (publisher, idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE INDEX topic_event_live ON topic_event (publisher) WHERE live > 0;
  CREATE INDEX topic_event_over ON topic_event (at) WHERE live = 0 AND dead = 0;
  CREATE TABLE topic_delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event_seq INTEGER NOT NULL, subscription_id INTEGER NOT NULL,
    push INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN ('live', 'dead')), attempt INTEGER NOT NULL,
    at INTEGER NOT NULL, visible_at INTEGER NOT NULL, lease TEXT NOT NULL, rule TEXT NOT NULL, reason TEXT NOT NULL
  ) STRICT;
  CREATE INDEX topic_delivery_due ON topic_delivery (subscription_id, id) WHERE state = 'live';
  CREATE INDEX topic_delivery_push ON topic_delivery (visible_at) WHERE state = 'live' AND push = 1;
  CREATE INDEX topic_delivery_age ON topic_delivery (state, at);
  CREATE INDEX topic_delivery_dead ON topic_delivery (subscription_id, id) WHERE state = 'dead';
`;
