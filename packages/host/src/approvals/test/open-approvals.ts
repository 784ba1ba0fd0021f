import { createAuditLog } from '../../audit/audit-log.ts';
import { createEventLog } from '../../delivery/event-log.ts';
import { createManualClock } from '../../manual-clock.ts';
import { type Database, openDatabase } from '../../store/database.ts';
import { MESH_MIGRATIONS } from '../../store/mesh-schema.ts';
import { createApprovals } from '../approvals.ts';
import type { Question } from '../insert-question.ts';

export const ANN = { name: 'ann', role: 'approver' } as const;

/** Approvals over a real store; a second one over the same path is the host after a restart. */
export function openApprovals(
  path: string,
  approvers: readonly string[] = ['ann'],
  carryOut: Parameters<typeof createApprovals>[0]['carryOut'] = async () => {},
  around: (database: Database) => Database = (database) => database,
) {
  const clock = createManualClock();
  const database = around(openDatabase({ path, migrations: MESH_MIGRATIONS }));
  const audit = createAuditLog({ database, clock });
  const events = createEventLog({ database, clock, warn: () => {} });
  let ids = 0;
  const approvals = createApprovals({
    ...{ database, clock, audit, events, approvers: () => approvers, carryOut, warn: () => {} },
    newId: () => `apr_${process.pid}_${clock.now()}_${++ids}`,
  });
  approvals.start();
  return {
    ...{ clock, database, audit, approvals },
    question: (changes: Partial<Question> = {}): Question => ({
      ...{ kind: 'tool', key: 'k', asker: 'alice', what: 'exec', traceId: 't', messageId: 'm' },
      ...{
        subject: { tool: 'exec', arguments: { command: 'ls' } },
        expiresAt: clock.now() + 1000,
        ...changes,
      },
    }),
    types: () => audit.read(0, 1000).map(({ type }) => type),
    close() {
      approvals.stop();
      database.close();
    },
  };
}
