import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { Database } from '../packages/host/src/store/database.ts';
import { MESH_MIGRATIONS } from '../packages/host/src/store/mesh-schema.ts';

/** Every write that went into one commit of the host's. */
export type Commit = [sql: string, parameters: SQLInputValue[]][];

/** The same database, and a note of what it wrote in which commit. */
export function recorded(database: Database): { database: Database; commits: Commit[] } {
  const commits: Commit[] = [];
  let open: Commit | null = null;
  return {
    commits,
    database: {
      ...database,
      write: (work) =>
        database.write((transaction) => {
          if (!open) {
            open = [];
            commits.push(open);
            // Works of one turn of the event loop share a commit.
            queueMicrotask(() => {
              open = null;
            });
          }
          const commit = open;
          const noted = (sql: string, parameters: SQLInputValue[]) => {
            if (/^\s*(?:INSERT|UPDATE|DELETE)/.test(sql)) commit.push([sql, parameters]);
          };
          return work({
            ...transaction,
            // A write can ask for what it wrote.
            get(sql, ...parameters) {
              noted(sql, parameters);
              return transaction.get(sql, ...parameters);
            },
            run(sql, ...parameters) {
              noted(sql, parameters);
              return transaction.run(sql, ...parameters);
            },
          });
        }),
    },
  };
}

/** Seconds that the same writes take without anything around them. */
export function replay(path: string, commits: readonly Commit[]): number {
  const connection = new DatabaseSync(path);
  try {
    connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    for (const migration of MESH_MIGRATIONS) connection.exec(migration);
    const statements = new Map<string, ReturnType<typeof connection.prepare>>();
    const startedAt = performance.now();
    for (const commit of commits) {
      connection.exec('BEGIN IMMEDIATE');
      for (const [sql, parameters] of commit) {
        const statement = statements.get(sql) ?? connection.prepare(sql);
        statements.set(sql, statement);
        statement.run(...parameters);
      }
      connection.exec('COMMIT');
    }
    return (performance.now() - startedAt) / 1000;
  } finally {
    connection.close();
  }
}
