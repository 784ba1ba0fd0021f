import { z } from 'zod';
import { BlackboardDelete, BlackboardSet, BlackboardUndo } from './blackboard.ts';
import { TaskAttention, TaskChange, TaskStatus, TaskView } from './task.ts';

/**
 * Shared state, topics and tasks, on the control API:
 *
 * | method and path                                            | body                | answer            | least role |
 * |------------------------------------------------------------|---------------------|-------------------|------------|
 * | GET  /api/namespaces                                       |                     | Namespaces        | viewer     |
 * | GET  /api/blackboard?namespace=&prefix=&after=&limit=      |                     | BlackboardPage    | viewer     |
 * | GET  /api/blackboard/entry?namespace=&key=                 |                     | BlackboardVersion | viewer     |
 * | GET  /api/blackboard/history?namespace=&key=&before=&limit= |                    | BlackboardVersions | viewer    |
 * | GET  /api/blackboard/watch?namespace=&prefix=&after=       |                     | lines of BlackboardVersion | viewer |
 * | POST /api/blackboard/set                                   | OperatorSet         | BlackboardVersion | operator   |
 * | POST /api/blackboard/delete                                | OperatorDelete      | BlackboardVersion | operator   |
 * | POST /api/blackboard/undo                                  | OperatorUndo        | BlackboardVersion | operator   |
 * | GET  /api/tasks?agent=&status=&open=&before=&limit=        |                     | TaskPage          | viewer     |
 * | GET  /api/tasks/{id}                                       |                     | TaskDetail        | viewer     |
 * | POST /api/tasks/{id}/cancel                                | CancelTask          | TaskView          | operator   |
 * | GET  /api/topics                                           |                     | Topics            | viewer     |
 * | GET  /api/dead-letters?after=&limit=                       |                     | DeadLetters       | viewer     |
 * | POST /api/dead-letters/{id}/replay                         |                     | 204               | operator   |
 * | POST /api/dead-letters/{id}/discard                        |                     | 204               | operator   |
 *
 * `namespace` is `fleet` where absent, or `team/NAME`. What a person changes is recorded in the audit log.
 */
export const Namespace = z.string().regex(/^(?:fleet|team\/[a-z][a-z0-9-]{0,62})$/, 'fleet, or team/NAME');
const InNamespace = { namespace: Namespace.default('fleet') };

export const Namespaces = z.object({ namespaces: z.array(z.string()) });
export type Namespaces = z.infer<typeof Namespaces>;

export const OperatorSet = BlackboardSet.extend(InNamespace);
export const OperatorDelete = BlackboardDelete.extend(InNamespace);
export const OperatorUndo = BlackboardUndo.extend(InNamespace);

export const CancelTask = z.strictObject({ note: z.string().max(2000).default('') });

/** Newest first. `next` is the `before` that continues; null at the end. */
export const TaskPage = z.object({
  tasks: z.array(TaskView.omit({ result: true }).extend({ ordinal: z.int() })),
  next: z.int().nullable(),
});
export type TaskPage = z.infer<typeof TaskPage>;
export const TaskFilter = z.strictObject({
  agent: z.string().max(63).optional(),
  status: TaskStatus.optional(),
  open: z.stringbool().default(false),
  before: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** `changes`: every move of it, oldest first. */
export const TaskDetail = z.object({ task: TaskView, changes: z.array(TaskChange) });
export type TaskDetail = z.infer<typeof TaskDetail>;

/** `waiting`: events on their way; `dead`: dead letters. */
export const Topics = z.object({
  subscriptions: z.array(
    z.object({
      namespace: z.string(),
      topic: z.string(),
      subscriber: z.string(),
      mode: z.enum(['wake', 'inbox', 'workflow']),
      waiting: z.int(),
      dead: z.int(),
    }),
  ),
});
export type Topics = z.infer<typeof Topics>;

/** Part of the status of the fleet: what somebody should look at. */
export const CoordinationAttention = z.object({
  tasks: z.array(TaskAttention.extend({ task: TaskAttention.shape.task.omit({ result: true }) })),
  /** Dead letters, of all topics. */
  deadLetters: z.int(),
});
export type CoordinationAttention = z.infer<typeof CoordinationAttention>;
