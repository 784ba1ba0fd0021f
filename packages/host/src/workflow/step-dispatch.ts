import type { Refusal } from '@openlegion/contract/refusal';

/** One attempt at one task of a step. */
export interface StepTask {
  /** The same for the same attempt, whatever happens to the host between. */
  key: string;
  run: string;
  workflow: string;
  /** `on_complete` and `on_failure` are the handlers'. */
  step: string;
  index: number;
  attempt: number;
  to: { agent: string } | { capability: string } | { topic: string };
  taskType: string;
  description: string;
  /** For an entry of `for_each`: `{item, index, input}`. For a topic: what is published. */
  input: unknown;
  /** What the steps that this one depends on came to. */
  context: Readonly<Record<string, { status: string; result: unknown }>>;
  timeoutMs: number;
  traceId: string;
  /** Of its run. */
  hops: number;
  parentId: string | null;
  /** What its result will be held to; undefined for anything. */
  outputSchema: unknown;
}

export type TaskOutcome = { costMicroUsd?: number } & (
  | { kind: 'done'; result: unknown }
  | { kind: 'failed'; message: string }
  /** It was not begun: no such agent, a denial, a spent budget. */
  | { kind: 'refused'; refusal: Refusal }
  /** It ended because `cancel` asked, or because someone else cancelled it. */
  | { kind: 'cancelled' }
  /** It began and nobody knows how far it came. Never made again by itself, unless the step is `repeatable`. */
  | { kind: 'unknown'; message: string }
);

/** What carries out tasks: the lanes, or a test. Every call may be repeated after a crash of the host. */
export interface StepDispatch {
  /**
   * Begins the task of this key, or joins it where it was begun before; resolves when it has ended, with the same
   * outcome for the same key, also long after. A rejection is taken as `unknown`.
   */
  run(task: StepTask): Promise<TaskOutcome>;
  /** Ends the task if it goes on: then `run` resolves with `cancelled`. A key never run, or ended, is left alone. */
  cancel(key: string): void;
}

export interface ApprovalRequest {
  key: string;
  run: string;
  workflow: string;
  step: string;
  traceId: string;
  /** Exactly what will run, whole, for the person who is asked. */
  subject: unknown;
  /** SHA-256 over the canonical JSON of `subject`. */
  hash: string;
  expiresAtMs: number;
}

export type ApprovalAnswer =
  /** `hash` is that of what the approver was shown; another one approves nothing. */
  | { kind: 'approved'; by: string; hash: string }
  | { kind: 'denied'; by: string; message: string }
  | { kind: 'expired' };

/** What asks people. Same rules of repetition as `StepDispatch`. */
export interface StepApprovals {
  /** Asks, or joins what was asked under this key. A rejection is taken as a denial. */
  ask(request: ApprovalRequest): Promise<ApprovalAnswer>;
  withdraw(key: string): void;
}

/** Everyone who may come to be given the task: what none of them could read itself is not read for it. */
export type Readers = { agents: readonly string[]; capability: string | null };

/** Reads with the grants of all of these. */
export type ReadBlackboard = (
  readers: Readers,
  key: string,
) => { found: true; value: unknown } | { found: false } | { refusal: Refusal };
