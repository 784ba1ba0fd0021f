import type { ItemState, RunRecord, StepState, WorkflowEvent } from '@openlegion/contract/workflow-run';
import type { CompiledStep, CompiledWorkflow } from './compile-workflow.ts';
import type { ReadBlackboard } from './step-dispatch.ts';

/** A run as stored. Items are the tasks of steps, by `itemKey`. */
export interface RunSnapshot {
  record: RunRecord;
  steps: ReadonlyMap<string, StepState>;
  items: ReadonlyMap<string, ItemState>;
}

/** To be done once what the change holds is on disk. All of it can be done again. */
export type Effect =
  | { type: 'run'; step: string; index: number }
  | { type: 'cancel'; step: string; index: number; attempt: number }
  | { type: 'ask'; step: string }
  | { type: 'withdraw'; step: string };

export interface Change {
  record: RunRecord;
  steps: ReadonlyMap<string, StepState>;
  items: ReadonlyMap<string, ItemState>;
  effects: readonly Effect[];
  events: readonly WorkflowEvent[];
}

/** All that a transition takes from outside the stored state. */
export interface TransitionContext {
  nowMs: number;
  /** 0 up to but not 1. */
  random: () => number;
  readBlackboard: ReadBlackboard;
}

export const itemKey = (step: string, index: number) => `${step}/${index}`;

/** The idempotency key of one attempt. */
export const taskKey = (run: string, step: string, index: number, attempt: number) =>
  `${run}/${step}/${index}/${attempt}`;

/** A state and what changes in it; the state itself stays as it was. */
export interface Draft {
  workflow: CompiledWorkflow;
  context: TransitionContext;
  record: RunRecord;
  /** Steps that may start now. */
  ready: string[];
  effects: Effect[];
  events: WorkflowEvent[];
  compiled(id: string): CompiledStep;
  step(id: string): StepState;
  item(id: string, index: number): ItemState | undefined;
  update(changes: Partial<RunRecord>): void;
  updateStep(id: string, changes: Partial<StepState>): StepState;
  setItem(id: string, index: number, item: ItemState): void;
  change(): Change;
}

export const FRESH_STEP: StepState = {
  status: 'waiting',
  reason: null,
  message: '',
  input: null,
  items: null,
  result: null,
  failure: null,
  approvedBy: null,
  begun: 0,
  open: 0,
  dueAtMs: null,
  startedAtMs: null,
  finishedAtMs: null,
};

export function createDraft(
  workflow: CompiledWorkflow,
  snapshot: RunSnapshot,
  context: TransitionContext,
): Draft {
  const steps = new Map<string, StepState>();
  const items = new Map<string, ItemState>();
  const draft: Draft = {
    workflow,
    context,
    record: snapshot.record,
    ready: [],
    effects: [],
    events: [],
    compiled(id) {
      const compiled = workflow.steps.get(id) ?? workflow.handlers.get(id);
      if (!compiled) throw new Error(`no step ${id} in the definition of this run`);
      return compiled;
    },
    step: (id) => steps.get(id) ?? snapshot.steps.get(id) ?? FRESH_STEP,
    item: (id, index) => items.get(itemKey(id, index)) ?? snapshot.items.get(itemKey(id, index)),
    update(changes) {
      draft.record = { ...draft.record, ...changes };
    },
    updateStep(id, changes) {
      const next = { ...draft.step(id), ...changes };
      steps.set(id, next);
      return next;
    },
    setItem: (id, index, item) => void items.set(itemKey(id, index), item),
    change: () => ({ record: draft.record, steps, items, effects: draft.effects, events: draft.events }),
  };
  return draft;
}
