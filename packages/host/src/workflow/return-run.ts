import type { RunRecord } from '@openlegion/contract/workflow-run';
import type { AuditLog } from '../audit/audit-log.ts';
import { type Clock, isoTime } from '../clock.ts';
import type { EventLog } from '../delivery/event-log.ts';
import { acceptMessage } from '../lanes/accept-message.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { Transaction } from '../store/database.ts';

/** What of a result is told in the message; the whole is with the run. */
const MOST_CHARACTERS = 100_000;

/**
 * What a run that an agent started by a hand-off came to goes back to that agent, in the transaction in which it is
 * over: it is given once, whatever happens to the host. Returns what to do after the commit.
 */
export function returnRun(
  parts: {
    audit: AuditLog;
    events: EventLog;
    clock: Clock;
    lanes: Pick<Lanes, 'resume'>;
    agentExists: (name: string) => boolean;
    resultsOf: (run: string) => unknown;
    newMessageId: () => string;
    warn: (message: string) => void;
  },
  transaction: Transaction,
  record: RunRecord,
): () => void {
  const { lanes, warn } = parts;
  if (record.how !== 'handoff' || !parts.agentExists(record.startedBy)) return () => {};
  const results = JSON.stringify(parts.resultsOf(record.id));
  const shown = results.length > MOST_CHARACTERS ? `${results.slice(0, MOST_CHARACTERS)}… (cut)` : results;
  const why = record.message === '' ? '' : ` (${record.message})`;
  const accepted = acceptMessage(transaction, parts, {
    ...{ id: parts.newMessageId(), traceId: record.traceId, parentId: record.parentId, hops: record.hops },
    ...{ agent: record.startedBy, sender: `workflow:${record.workflow}`, mode: 'collect' },
    text: `The workflow ${record.workflow} that you started (${record.id}) is ${record.status}${why}. Its results: ${shown}`,
    ...{ idempotencyKey: `run/${record.id}`, rule: 'workflow.handoff', createdAt: isoTime(parts.clock) },
  });
  if (!accepted.accepted) {
    warn(`run ${record.id}: its result could not be returned: ${accepted.refusal.message}`);
    return () => {};
  }
  return () => {
    accepted.announce();
    lanes.resume(record.startedBy);
  };
}
