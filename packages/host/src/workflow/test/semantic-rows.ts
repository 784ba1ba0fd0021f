import type { WorkflowStep } from '@openlegion/contract/workflow';
import type { z } from 'zod';
import type { TaskOutcome } from '../step-dispatch.ts';
import type { Approve } from './workflow-fixture.ts';

/** What the step under test (`a`) meets. Around it: `b` depends on it, `c` on `b`; `d` depends on it with
 * `on_skipped: run`; `e` depends on nothing and works until the others have settled. */
export interface Situation {
  what: string;
  step: Partial<z.input<typeof WorkflowStep>>;
  /** By agent `a`, per attempt from 1. */
  act: (attempt: number) => TaskOutcome | 'hang' | 'deaf';
  approve?: Approve;
  /** Attempts at most, by policy; and whether one of them succeeds. */
  tasks: Record<Policy, number>;
  succeeds: readonly Policy[];
  reason: string;
}

export const POLICIES = ['abort', 'retry', 'skip', 'fallback', 'continue'] as const;
export type Policy = (typeof POLICIES)[number];

const fails: TaskOutcome = { kind: 'failed', message: 'no' };
const refusal = { code: 'denied', rule: 'r', message: 'Not allowed.', remedy: 'Ask.' } as const;
const once = { abort: 1, retry: 1, skip: 1, fallback: 1, continue: 1 };
const repeated = { ...once, retry: 4, fallback: 2 };
const never = { abort: 0, retry: 0, skip: 0, fallback: 0, continue: 0 };

export const SITUATIONS: readonly Situation[] = [
  {
    what: 'it succeeds',
    step: {},
    act: () => ({ kind: 'done', result: 1 }),
    tasks: once,
    succeeds: POLICIES,
    reason: '',
  },
  {
    what: 'it fails each time',
    step: {},
    act: () => fails,
    tasks: repeated,
    succeeds: ['fallback'],
    reason: 'failed',
  },
  {
    what: 'it fails once',
    step: {},
    act: (attempt) => (attempt === 1 ? fails : { kind: 'done', result: 1 }),
    tasks: { ...repeated, retry: 2 },
    succeeds: ['retry', 'fallback'],
    reason: 'failed',
  },
  {
    what: 'it fails once, with `max_retries: 1`',
    step: { max_retries: 1 },
    act: (attempt) => (attempt === 1 ? fails : { kind: 'done', result: 1 }),
    tasks: { abort: 2, retry: 2, skip: 2, fallback: 2, continue: 2 },
    succeeds: POLICIES,
    reason: '',
  },
  {
    what: 'it is refused (no such agent, a denial, a spent budget)',
    step: {},
    act: () => ({ kind: 'refused', refusal }),
    tasks: repeated,
    succeeds: ['fallback'],
    reason: 'refused',
  },
  {
    what: 'its result is not what `output_schema` says',
    step: { output_schema: { type: 'integer' } },
    act: () => ({ kind: 'done', result: 'seven' }),
    tasks: repeated,
    succeeds: ['fallback'],
    reason: 'output',
  },
  {
    what: 'its task is cancelled by someone',
    step: {},
    act: () => ({ kind: 'cancelled' }),
    tasks: repeated,
    succeeds: ['fallback'],
    reason: 'cancelled',
  },
  {
    what: 'it takes longer than `timeout` and ends when cancelled',
    step: { timeout: 5 },
    act: () => 'hang',
    tasks: repeated,
    succeeds: ['fallback'],
    reason: 'timeout',
  },
  {
    what: 'it takes longer than `timeout` and does not end within 30 s of being cancelled',
    step: { timeout: 5 },
    act: () => 'deaf',
    tasks: once,
    succeeds: [],
    reason: 'unknown_outcome',
  },
  {
    what: 'nobody knows how far it came',
    step: {},
    act: () => ({ kind: 'unknown', message: 'the container is gone' }),
    tasks: once,
    succeeds: [],
    reason: 'unknown_outcome',
  },
  {
    what: 'nobody knows how far it came, with `repeatable: true`',
    step: { repeatable: true },
    act: () => ({ kind: 'unknown', message: 'the container is gone' }),
    tasks: repeated,
    succeeds: ['fallback'],
    reason: 'unknown_outcome',
  },
  {
    what: 'its condition cannot be evaluated',
    step: { condition: 'trigger.payload.score > 5' },
    act: () => ({ kind: 'done', result: 1 }),
    tasks: never,
    succeeds: [],
    reason: 'condition_error',
  },
  {
    what: 'what `input_from` names does not exist',
    step: { input_from: 'trigger.payload.nothing' },
    act: () => ({ kind: 'done', result: 1 }),
    tasks: never,
    succeeds: [],
    reason: 'input',
  },
  {
    what: 'its approval is denied',
    step: { requires_approval: true },
    act: () => ({ kind: 'done', result: 1 }),
    approve: () => ({ kind: 'denied', by: 'ann', message: 'not today' }),
    tasks: never,
    succeeds: [],
    reason: 'approval_denied',
  },
  {
    what: 'something else than it is approved',
    step: { requires_approval: true },
    act: () => ({ kind: 'done', result: 1 }),
    approve: () => ({ kind: 'approved', by: 'ann', hash: '0'.repeat(64) }),
    tasks: never,
    succeeds: [],
    reason: 'approval_denied',
  },
  {
    what: 'nobody approves it in time',
    step: { requires_approval: true, approval_timeout: 5 },
    act: () => ({ kind: 'done', result: 1 }),
    approve: () => 'nobody',
    tasks: never,
    succeeds: [],
    reason: 'approval_expired',
  },
  {
    what: 'one of three entries of `for_each` fails each time',
    step: { for_each: 'trigger.payload.list', max_parallel: 1 },
    act: () => 'hang',
    tasks: { abort: 2, retry: 5, skip: 2, fallback: 4, continue: 3 },
    succeeds: ['fallback'],
    reason: 'failed',
  },
];

/** What must come of it: statuses of a, b, d, e and the run. */
export function expectedOf(policy: Policy, situation: Situation) {
  const good = situation.succeeds.includes(policy);
  const all = (a: string, b: string, c: string, d: string, e: string, run: string) => ({
    a,
    b,
    c,
    d,
    e,
    run,
  });
  if (good) return all('done', 'done', 'done', 'done', 'done', 'done');
  if (policy === 'skip') return all('skipped', 'skipped', 'skipped', 'done', 'done', 'done');
  if (policy === 'continue') return all('failed', 'done', 'done', 'done', 'done', 'done');
  return all('failed', 'cancelled', 'cancelled', 'cancelled', 'cancelled', 'failed');
}

export function rowText(policy: Policy, situation: Situation): string {
  const { a, b, c, d, e, run } = expectedOf(policy, situation);
  const reason = a === 'done' ? '' : ` (${situation.reason})`;
  const tasks = situation.tasks[policy];
  return `| ${policy} | ${situation.what} | ${tasks} | ${a}${reason} | ${b} | ${c} | ${d} | ${e} | ${run} |`;
}
