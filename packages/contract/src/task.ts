import { z } from 'zod';
import { AgentName } from './agent-name.ts';
import { JsonValue } from './json-value.ts';
import { Refusal } from './refusal.ts';

/**
 * | method and path              | body           | answer        | permission                       |
 * |------------------------------|----------------|---------------|----------------------------------|
 * | POST /mesh/handoff           | HandoffRequest | HandoffAnswer | can_message                      |
 * | GET  /mesh/inbox             |                | TaskList      | self: what it has been given     |
 * | GET  /mesh/tasks             |                | TaskList      | self: what it has handed on      |
 * | POST /mesh/tasks/update      | TaskUpdate     | TaskView      | self: the one it was given to    |
 * | POST /mesh/tasks/complete    | TaskComplete   | TaskView      | self: the one it was given to    |
 * | POST /mesh/tasks/cancel      | TaskCancel     | TaskView      | self: the one who handed it on   |
 *
 * A task that is none of the agent's is answered like one that does not exist.
 */
export const TaskStatus = z.enum([
  'pending',
  'accepted',
  'working',
  'blocked',
  'done',
  'failed',
  'cancelled',
]);
export type TaskStatus = z.infer<typeof TaskStatus>;

const TaskId = z.string().min(1).max(100);
const Note = z.string().max(2000);

/** A person, and where they asked: results go back there. */
export const Asker = z.strictObject({
  person: z.string().min(1).max(200),
  /** `cli`, `dashboard`, `telegram` … */
  channel: z.string().min(1).max(100),
  conversation: z.string().max(300).default(''),
});
export type Asker = z.infer<typeof Asker>;

/** Who gave a task, and so whom its result returns to. */
export const TaskOrigin = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('agent'), agent: AgentName }),
  z.strictObject({ kind: z.literal('person'), asker: Asker }),
  z.strictObject({ kind: z.literal('workflow'), run: z.string().max(100), step: z.string().max(200) }),
]);
export type TaskOrigin = z.infer<typeof TaskOrigin>;

export const TaskUpdate = z.strictObject({
  taskId: TaskId,
  status: z.enum(['accepted', 'working', 'blocked', 'failed']),
  /** How it gets on, what it waits for, or why it failed. */
  note: Note.default(''),
});
export type TaskUpdate = z.infer<typeof TaskUpdate>;

export const TaskComplete = z.strictObject({ taskId: TaskId, result: JsonValue });
export type TaskComplete = z.infer<typeof TaskComplete>;

export const TaskCancel = z.strictObject({ taskId: TaskId, note: Note.default('') });
export type TaskCancel = z.infer<typeof TaskCancel>;

export const TaskView = z.object({
  taskId: z.string(),
  traceId: z.string(),
  /** The message or task in whose turn it was handed on. */
  parentId: z.string().nullable(),
  hops: z.int().nonnegative(),
  origin: TaskOrigin,
  askedBy: Asker.nullable(),
  assignee: AgentName,
  /** As it was addressed: an agent's name, or `capability:…`. */
  to: z.string(),
  task: z.string(),
  status: TaskStatus,
  note: z.string(),
  result: JsonValue,
  refusal: Refusal.nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
  finishedAt: z.string().nullable(),
});
export type TaskView = z.infer<typeof TaskView>;

export const TaskList = z.object({ tasks: z.array(TaskView), truncated: z.boolean() });
export type TaskList = z.infer<typeof TaskList>;

/** One move of a task, for its record. */
export const TaskChange = z.object({
  taskId: z.string(),
  at: z.string(),
  /** Who moved it: an agent's name, `operator:…`, `workflow:…` or `host`. */
  actor: z.string(),
  from: TaskStatus.nullable(),
  to: TaskStatus,
  note: z.string(),
});
export type TaskChange = z.infer<typeof TaskChange>;

/**
 * A task that somebody should look at: it says that it is blocked, has not moved for long, or its result could not
 * be given back.
 */
export const TaskAttention = z.object({
  task: TaskView,
  reason: z.enum(['blocked', 'stale', 'undeliverable']),
  /** How long it has not moved. */
  forMs: z.int().nonnegative(),
});
export type TaskAttention = z.infer<typeof TaskAttention>;
