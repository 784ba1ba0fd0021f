import { ChatRequest } from '@openlegion/contract/agent-api';
import type { TaskChange, TaskList, TaskView } from '@openlegion/contract/task';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { createPump } from '../pubsub/pump.ts';
import type { Routed } from '../router/router.ts';
import type { Database, Transaction } from '../store/database.ts';
import { integerOf, textOf } from '../store/row.ts';
import { createTask, type NewTask, type TaskContext } from './create-task.ts';
import { dueErrands, nextErrandAt } from './errands.ts';
import { nextDeadline, sweepTasks } from './find-stale.ts';
import { changesOf, moveTask, type TaskMove } from './move-task.ts';
import { type OnErrandEnded, runErrand, type TaskHooks } from './run-errand.ts';
import { settleTurn, startTurn, type TurnEnd } from './settle-turn.ts';
import type { TaskDetails } from './task-details.ts';
import { TASK_LIMITS, type TaskLimits } from './task-limits.ts';
import { findTask, taskOf } from './task-row.ts';

/**
 * Durable tasks, and what the host does for them by itself. Nothing here decides on permissions: `createAgentTasks`
 * does, and workflows and the control API are the operator's. What a promise resolved with is on disk.
 */
export interface Tasks {
  /** `also` runs in the transaction that stores a new one: both are there, or neither. */
  create(task: NewTask, also?: (transaction: Transaction) => void): Promise<Routed<TaskView>>;
  move(move: TaskMove): Promise<Routed<TaskView>>;
  /**
   * For the lanes, in the transactions in which they give out and settle a message that may be a task's; `kick` after
   * the commit.
   */
  startTurn(transaction: Transaction, taskId: string): void;
  settleTurn(transaction: Transaction, end: TurnEnd): void;
  /**
   * Whether a trace has tasks that get on, or results still to be returned: it has then not settled. One that is
   * blocked waits for something else than the host.
   */
  isOpen(transaction: Transaction, traceId: string): boolean;
  kick(): void;
  find(taskId: string): TaskView | null;
  /** A task of an origin, by its key. */
  findByKey(originName: string, idempotencyKey: string): TaskView | null;
  /** What a step asked for; undefined for a task in words alone. */
  detailsOf(taskId: string): TaskDetails | undefined;
  changes(taskId: string): TaskChange[];
  /** Open tasks given to an agent; or handed on by an origin, with those that ended lately. Newest last. */
  given(agent: string, limit: number): TaskList;
  handedOn(originName: string, limit: number): TaskList;
  /** Open tasks that are blocked or were told to be stale, and those whose result nobody took. */
  needAttention(limit: number): TaskView[];
  /** The agent's loop did something (a model call, a tool's end): kept in memory. */
  progress(agent: string): void;
  /** Whether it has a task at work and its loop has not moved for long: unhealthy, though its process is there. */
  isStuck(agent: string): boolean;
  /** Unfinished tasks of an agent. */
  load(agent: string): number;
  start(): void;
  stop(): Promise<void>;
}

const AT_A_TIME = 32;
/** Of texts and results in one list. */
const LIST_CHARACTERS = 512 * 1024;

export function createTasks(parts: {
  database: Database;
  audit: AuditLog;
  clock: Clock;
  hooks: TaskHooks;
  onErrandEnded?: OnErrandEnded;
  /** In the transaction that stores a new task. Returns what to do after the commit. */
  onCreated?: (transaction: Transaction, task: TaskView) => () => void;
  warn: (message: string) => void;
  limits?: TaskLimits;
}): Tasks {
  const { database, audit, clock, hooks, warn, limits = TASK_LIMITS } = parts;
  const startedAt = clock.now();
  const progressed = new Map<string, number>();
  let sweepAt = startedAt;
  const context = (): TaskContext => ({ limits, now: clock.now(), audit });
  // Nothing is known of what was before this host: what stood still then may move now.
  const progressAt = (agent: string) => progressed.get(agent) ?? startedAt;
  const pump = createPump({ clock, warn: (message) => warn(`tasks: ${message}`), run });

  function load(agent: string): number {
    const open = 'SELECT COUNT(*) AS n FROM task WHERE assignee = ? AND finished_at IS NULL';
    return integerOf(database.get(open, agent) ?? {}, 'n');
  }

  async function run(): Promise<number | null> {
    const deadline = nextDeadline(database);
    if (clock.now() >= Math.min(sweepAt, deadline ?? sweepAt)) {
      await database.write((transaction) => sweepTasks(transaction, context(), progressAt));
      // Of an agent without a task it says nothing: the next one is younger.
      for (const agent of progressed.keys()) if (load(agent) === 0) progressed.delete(agent);
      sweepAt = clock.now() + limits.sweepMs;
    }
    for (;;) {
      const due = dueErrands(database, clock.now(), AT_A_TIME);
      await Promise.all(due.map((errand) => runErrand({ ...parts, hooks, context, progressAt }, errand)));
      // Looked at until nothing is due: an errand can be followed by another.
      if (due.length === 0) break;
    }
    const next = Math.min(...[sweepAt, nextErrandAt(database) ?? sweepAt, nextDeadline(database) ?? sweepAt]);
    return Math.max(next - clock.now(), 0);
  }

  async function kicking<T>(work: (transaction: Transaction) => Routed<T>): Promise<Routed<T>> {
    const done = await database.write(work);
    if (done.ok) pump.kick();
    return done;
  }

  function list(where: string, name: string, limit: number): TaskList {
    const sizes = database.all(
      `SELECT id, LENGTH(text) + LENGTH(result) AS size FROM task WHERE ${where} ORDER BY ordinal DESC LIMIT ?`,
      ...[name, limit + 1],
    );
    let characters = 0;
    const beyond = sizes.findIndex((row, index) => {
      characters += integerOf(row, 'size');
      return index === limit || (index > 0 && characters > LIST_CHARACTERS);
    });
    const listed = beyond === -1 ? sizes : sizes.slice(0, beyond);
    const tasks = listed.reverse().flatMap((row) => findTask(database, textOf(row, 'id')) ?? []);
    return { tasks, truncated: beyond !== -1 };
  }

  return {
    async create(task, also) {
      let announce: (() => void) | undefined;
      const stored = await kicking((transaction) => {
        const made = createTask(transaction, context(), task);
        if (made.ok && made.value.created) {
          also?.(transaction);
          announce = parts.onCreated?.(transaction, made.value.task);
        }
        return made.ok ? { ok: true, value: made.value.task } : made;
      });
      announce?.();
      return stored;
    },
    move: (move) => kicking((transaction) => moveTask(transaction, context(), move)),
    startTurn: (transaction, taskId) => startTurn(transaction, context(), taskId),
    settleTurn: (transaction, end) => settleTurn(transaction, context(), end),
    isOpen: (transaction, traceId) =>
      transaction.get(
        `SELECT 1 FROM task WHERE trace_id = ? AND finished_at IS NULL AND status <> 'blocked' UNION ALL
         SELECT 1 FROM task_errand WHERE trace_id = ? AND due_at IS NOT NULL AND kind IN ('result', 'person') LIMIT 1`,
        ...[traceId, traceId],
      ) !== undefined,
    kick: pump.kick,
    find: (taskId) => findTask(database, taskId),
    findByKey(origin, key) {
      const row = database.get(
        'SELECT * FROM task WHERE origin_name = ? AND idempotency_key = ?',
        origin,
        key,
      );
      return row ? taskOf(row) : null;
    },
    detailsOf(taskId) {
      const row = database.get('SELECT details FROM task WHERE id = ?', taskId);
      const details = row && ChatRequest.shape.task.parse(JSON.parse(textOf(row, 'details')) ?? undefined);
      return details;
    },
    changes: (taskId) => changesOf(database, taskId),
    given: (agent, limit) => list('assignee = ? AND finished_at IS NULL', agent, limit),
    handedOn: (originName, limit) => list('origin_name = ?', originName, limit),
    needAttention: (limit) =>
      database
        .all(
          `SELECT * FROM task WHERE ordinal IN
           (SELECT ordinal FROM task INDEXED BY task_open_of WHERE finished_at IS NULL AND (status = 'blocked' OR told > 0) UNION
            SELECT t.ordinal FROM task_errand e CROSS JOIN task t ON t.id = e.task_id WHERE e.due_at IS NULL)
           ORDER BY ordinal LIMIT ?`,
          limit,
        )
        .map(taskOf),
    progress: (agent) => void progressed.set(agent, clock.now()),
    isStuck(agent) {
      const since = database.get(
        "SELECT MIN(updated_at) AS at FROM task WHERE assignee = ? AND finished_at IS NULL AND status = 'working'",
        agent,
      );
      if (since?.at == null) return false;
      return clock.now() - Math.max(integerOf(since, 'at'), progressAt(agent)) >= limits.stuckMs;
    },
    load,
    start: pump.kick,
    stop: pump.stop,
  };
}
