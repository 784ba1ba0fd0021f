/**
 * A step of the schema of `data/mesh.db`. `blackboard_version` holds every version kept, `blackboard_head` which one
 * is current (also a deletion, until it is collected). `blackboard_usage` is what each writer's versions take.
 * `blackboard_floor` is, per namespace, the highest version of a key that is forgotten, so that no key of that name
 * starts below it again, and the highest change that is forgotten. Times are milliseconds since the epoch.
 */
export const BLACKBOARD_SCHEMA = `
  CREATE TABLE blackboard_version (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, namespace TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL,
    change TEXT NOT NULL CHECK (change IN ('set', 'deleted', 'expired')), value TEXT NOT NULL,
    writer TEXT NOT NULL, trace_id TEXT NOT NULL, at INTEGER NOT NULL, expires_at INTEGER, bytes INTEGER NOT NULL,
    superseded_at INTEGER, UNIQUE (namespace, key, version)
  ) STRICT;
  CREATE INDEX blackboard_superseded ON blackboard_version (superseded_at) WHERE superseded_at IS NOT NULL;
  CREATE INDEX blackboard_superseded_of ON blackboard_version (namespace, writer, seq)
    WHERE superseded_at IS NOT NULL;
  CREATE INDEX blackboard_deletion_of ON blackboard_version (namespace, writer, seq)
    WHERE change = 'deleted' AND superseded_at IS NULL;
  CREATE TABLE blackboard_head (
    namespace TEXT NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, version INTEGER NOT NULL,
    change TEXT NOT NULL, changed_at INTEGER NOT NULL, expires_at INTEGER, PRIMARY KEY (namespace, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX blackboard_expiry ON blackboard_head (expires_at) WHERE expires_at IS NOT NULL;
  CREATE INDEX blackboard_deletion ON blackboard_head (changed_at) WHERE change <> 'set';
  CREATE TABLE blackboard_usage (
    namespace TEXT NOT NULL, writer TEXT NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (namespace, writer)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE blackboard_floor (
    namespace TEXT PRIMARY KEY, version INTEGER NOT NULL, seq INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER blackboard_history_stays BEFORE DELETE ON blackboard_version
    WHEN OLD.key >= 'history/' AND OLD.key < 'history0'
    BEGIN SELECT RAISE(ABORT, 'history/ is append-only'); END;
  CREATE TRIGGER blackboard_history_is BEFORE UPDATE ON blackboard_version
    WHEN OLD.key >= 'history/' AND OLD.key < 'history0'
    BEGIN SELECT RAISE(ABORT, 'history/ is append-only'); END;
  CREATE TRIGGER blackboard_history_shown BEFORE DELETE ON blackboard_head
    WHEN OLD.key >= 'history/' AND OLD.key < 'history0'
    BEGIN SELECT RAISE(ABORT, 'history/ is append-only'); END;
`;
