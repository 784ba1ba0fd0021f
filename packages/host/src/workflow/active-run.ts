import type { ItemState, RunRecord, StepState, WorkflowEvent } from '@openlegion/contract/workflow-run';
import type { Clock } from '../clock.ts';
import type { Database, Transaction } from '../store/database.ts';
import type { CompiledWorkflow } from './compile-workflow.ts';
import { type Change, type Effect, type RunSnapshot, taskKey } from './run-draft.ts';
import { saveChange } from './run-store.ts';
import type { ReadBlackboard, StepApprovals, StepDispatch } from './step-dispatch.ts';
import { approvalOf, taskOf } from './step-task.ts';
import { type RunSignal, transition } from './transition.ts';

/** Before what could not be stored (a full disk) is tried again. */
const STORE_RETRY_MS = 1000;

export interface RunParts {
  database: Database;
  clock: Clock;
  random: () => number;
  dispatch: StepDispatch;
  approvals: StepApprovals;
  readBlackboard: ReadBlackboard;
  /** Within the transaction that stores what they tell: for the audit log. */
  onStored?: (transaction: Transaction, record: RunRecord, events: readonly WorkflowEvent[]) => void;
  announce?: (event: WorkflowEvent) => void;
  warn: (message: string) => void;
}

/** A run that is not over, in memory. */
export interface ActiveRun {
  snapshot(): RunSnapshot;
  signal(signal: RunSignal): void;
  /** Takes over what was stored with `first`, and does its effects. */
  begin(first: Change): void;
  /** Does again what was open when the state was last stored. */
  resume(): void;
  ended: Promise<RunRecord>;
  /** Takes no signal more; resolves when nothing is being written. */
  stop(): Promise<void>;
}

/** One transition at a time: compute, store, and only then do what it says. */
export function createActiveRun(
  parts: RunParts,
  workflow: CompiledWorkflow,
  stored: RunSnapshot,
  onOver: () => void,
): ActiveRun {
  const { database, clock, dispatch, approvals, warn } = parts;
  const run = stored.record.id;
  const state = {
    record: stored.record,
    steps: new Map<string, StepState>(stored.steps),
    items: new Map<string, ItemState>(stored.items),
  };
  const timers = new Map<string, () => void>();
  const ended = Promise.withResolvers<RunRecord>();
  let queue: RunSignal[] = [];
  let pumping: Promise<void> | null = null;
  let stopped = false;

  function signal(next: RunSignal): void {
    if (stopped) return;
    queue.push(next);
    pumping ??= pump();
  }

  async function pump(): Promise<void> {
    // What happens in one turn of the event loop is one transition and one write.
    await Promise.resolve();
    while (queue.length > 0 && !stopped) if (!(await step())) break;
    pumping = null;
  }

  async function step(): Promise<boolean> {
    const signals = queue;
    queue = [];
    try {
      const { random, readBlackboard } = parts;
      const change = transition(workflow, state, signals, { nowMs: clock.now(), random, readBlackboard });
      if (isEmpty(change)) return true;
      await database.write((transaction) => {
        saveChange(transaction, change);
        parts.onStored?.(transaction, change.record, change.events);
      });
      if (!stopped) carryOut(change);
      return true;
    } catch (error) {
      queue = [...signals, ...queue];
      const reason = error instanceof Error ? error.message : 'it could not be stored';
      warn(`workflow run ${run} waits: ${reason}`);
      setTimer('/retry', clock.now() + STORE_RETRY_MS, { type: 'due', of: 'run' });
      return false;
    }
  }

  const isEmpty = (change: Change) =>
    change.record === state.record && change.steps.size === 0 && change.items.size === 0;

  function carryOut({ record, steps, items, effects, events }: Change): void {
    state.record = record;
    for (const [id, step] of steps) state.steps.set(id, step);
    for (const [key, item] of items) state.items.set(key, item);
    setTimers(steps, items);
    for (const effect of effects) perform(effect);
    for (const event of events) parts.announce?.(event);
    if (record.phase !== 'over') return;
    stopped = true;
    for (const cancel of timers.values()) cancel();
    onOver();
    ended.resolve(record);
  }

  function setTimers(steps: ReadonlyMap<string, StepState>, items: ReadonlyMap<string, ItemState>): void {
    setTimer('', state.record.dueAtMs, { type: 'due', of: 'run' });
    for (const [step, { dueAtMs }] of steps) setTimer(step, dueAtMs, { type: 'due', of: 'step', step });
    for (const [key, { dueAtMs }] of items) {
      const [step = '', index] = key.split('/');
      setTimer(key, dueAtMs, { type: 'due', of: 'item', step, index: Number(index) });
    }
  }

  function setTimer(key: string, dueAtMs: number | null, due: RunSignal): void {
    timers.get(key)?.();
    timers.delete(key);
    if (dueAtMs === null) return;
    timers.set(
      key,
      clock.after(Math.max(0, dueAtMs - clock.now()), () => signal(due)),
    );
  }

  function perform(effect: Effect): void {
    const { step } = effect;
    if (effect.type === 'run') void runTask(step, effect.index);
    else if (effect.type === 'cancel') dispatch.cancel(taskKey(run, step, effect.index, effect.attempt));
    else if (effect.type === 'ask') void ask(step);
    else approvals.withdraw(`${run}/${step}/approval`);
  }

  async function runTask(step: string, index: number): Promise<void> {
    const task = taskOf(workflow, state, step, index);
    if (!task) return;
    const { attempt } = task;
    const outcome = await call(() => dispatch.run(task), {
      kind: 'unknown',
      message: 'the task could not be followed to its end',
    } as const);
    signal({ type: 'ended', step, index, attempt, outcome });
  }

  async function ask(step: string): Promise<void> {
    const asked = state.steps.get(step);
    if (asked?.status !== 'awaiting_approval') return;
    const request = approvalOf(workflow, state.record, step, asked);
    const nobody = { kind: 'denied', by: 'mesh', message: 'nobody could be asked' } as const;
    signal({ type: 'answered', step, answer: await call(() => approvals.ask(request), nobody) });
  }

  async function call<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      warn(`workflow run ${run}: ${error instanceof Error ? error.message : 'a call failed'}`);
      return otherwise;
    }
  }

  return {
    snapshot: () => ({ record: state.record, steps: new Map(state.steps), items: new Map(state.items) }),
    signal,
    begin: carryOut,
    resume() {
      setTimers(state.steps, state.items);
      for (const [key, { status, attempt }] of state.items) {
        const [step = '', position] = key.split('/');
        const index = Number(position);
        if (status !== 'running' && status !== 'cancelling') continue;
        perform({ type: 'run', step, index });
        if (status === 'cancelling') perform({ type: 'cancel', step, index, attempt });
      }
      for (const [step, { status }] of state.steps)
        if (status === 'awaiting_approval') perform({ type: 'ask', step });
    },
    ended: ended.promise,
    async stop() {
      stopped = true;
      for (const cancel of timers.values()) cancel();
      await pumping;
    },
  };
}
