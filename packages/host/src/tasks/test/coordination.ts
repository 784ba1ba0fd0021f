import type { TaskView } from '@openlegion/contract/task';
import { createAuditLog } from '../../audit/audit-log.ts';
import { createBlackboard } from '../../blackboard/blackboard.ts';
import { TEST_MIGRATIONS } from '../../blackboard/test/open-parts.ts';
import type { Clock } from '../../clock.ts';
import { createPubsub } from '../../pubsub/pubsub.ts';
import { openDatabase } from '../../store/database.ts';
import { createTasks } from '../tasks.ts';

/** Blackboard, topics and tasks over one real store; what the host would do for them is told to `effect`. */
export function openCoordination(path: string, clock: Clock, effect: (line: string) => void) {
  const database = openDatabase({ path, migrations: TEST_MIGRATIONS });
  const audit = createAuditLog({ database, clock });
  const warn = () => {};
  const blackboard = createBlackboard({ database, audit, clock });
  const done = { ok: true, value: null } as const;
  const wake = async ({ eventId }: { eventId: string }) => {
    effect(`wake ${eventId}`);
    return done;
  };
  const pubsub = createPubsub({
    ...{ database, audit, clock, warn },
    mayReceive: () => null,
    hooks: { wake, workflow: wake },
  });
  /** The turn of a task's message, in the lane's own transaction. */
  const endTurn = (taskId: string) =>
    database.write((transaction) =>
      tasks.settleTurn(transaction, { taskId, status: 'done', reply: taskId, refusal: null }),
    );
  const tasks = createTasks({
    ...{ database, audit, clock, warn },
    hooks: {
      async dispatch({ taskId }) {
        effect(`dispatch ${taskId}`);
        setImmediate(() => endTurn(taskId).then(tasks.kick, warn));
        return done;
      },
      recall: async () => done,
      async deliverResult({ task }) {
        effect(`result ${task.taskId}`);
        return done;
      },
      attention: async () => done,
    },
  });
  return {
    ...{ database, audit, blackboard, pubsub, tasks, endTurn },
    async close() {
      await Promise.all([pubsub.stop(), tasks.stop()]);
      database.close();
    },
  };
}

export function newTask(key: string): Parameters<ReturnType<typeof createTasks>['create']>[0] {
  const origin: TaskView['origin'] = { kind: 'agent', agent: 'alice' };
  return {
    ...{ id: `msg_${key}_${process.pid}`, origin, idempotencyKey: key, askedBy: null, traceId: 't' },
    ...{ parentId: null, hops: 1, assignee: 'bob', to: 'bob', text: 'do it', rule: 'r' },
  };
}
