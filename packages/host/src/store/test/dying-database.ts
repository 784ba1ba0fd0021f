import type { Database } from '../database.ts';

export interface DyingDatabase {
  database: Database;
  /** Resolves when the host is dead: at the write of this number from now on, before that is on disk or just after. */
  kill(at: number, before: boolean): Promise<'died'>;
  isDead(): boolean;
  close(): void;
}

/** The store of a host that can be killed: what is dead writes nothing more, and hears of nothing. */
export function createDyingDatabase(real: Database): DyingDatabase {
  const died = Promise.withResolvers<'died'>();
  let end: { in: number; before: boolean } | null = null;
  let dead = false;
  return {
    database: {
      ...real,
      async write(work) {
        if (dead) return new Promise(() => {});
        if (end === null || end.in-- !== 0) return real.write(work);
        dead = true;
        if (!end.before) await real.write(work);
        died.resolve('died');
        return new Promise(() => {});
      },
    },
    kill(at, before) {
      end = { in: at, before };
      return died.promise;
    },
    isDead: () => dead,
    close() {
      dead = true;
      real.close();
    },
  };
}
