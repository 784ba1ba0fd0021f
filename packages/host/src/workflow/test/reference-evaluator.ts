import type { WorkflowStep } from '@openlegion/contract/workflow';
import type { z } from 'zod';
import type { TaskOutcome } from '../step-dispatch.ts';

type Kind = TaskOutcome['kind'] | 'hang' | 'deaf';

/** One step as the specification sees it. Outcomes are by entry and attempt; past their end, a task is done. */
export interface SpecStep {
  step: z.input<typeof WorkflowStep> & { depends_on: string[] };
  condition: 'none' | 'true' | 'false' | 'error';
  approval: 'none' | 'approved' | 'denied' | 'nobody';
  /** Null for a step with one task. */
  entries: number | null;
  outcomes: readonly (readonly Kind[])[];
  fallbackWorks: boolean;
}

export type SpecStatus = 'done' | 'skipped' | 'failed' | 'unreached';

/** Tasks of one entry: how many at most, and whether the last is done. */
function itemOf(spec: SpecStep, index: number): { done: boolean; tasks: number } {
  const { on_failure = 'abort', max_retries, repeatable = false } = spec.step;
  const retries = max_retries ?? (on_failure === 'retry' ? 3 : 0);
  for (let attempt = 1; ; attempt += 1) {
    const kind = spec.outcomes[index]?.[attempt - 1] ?? 'done';
    if (kind === 'done') return { done: true, tasks: attempt };
    const known = kind !== 'unknown' && kind !== 'deaf';
    if (!known && !repeatable) return { done: false, tasks: attempt };
    if (attempt <= retries) continue;
    if (on_failure === 'fallback') return { done: spec.fallbackWorks, tasks: attempt + 1 };
    return { done: false, tasks: attempt };
  }
}

/**
 * The specification in its plainest form: steps one after another, no time, no crash, and a failure that would end
 * the run only leaves what depends on it unreached. `tasks` are those begun when nothing ends the run early.
 */
export function evaluate(specs: readonly SpecStep[]) {
  const statuses = new Map<string, SpecStatus>();
  const tasks = new Map<string, number[]>();
  const fatal = new Set<string>();
  for (const spec of specs) {
    const { id, depends_on, on_skipped = 'skip', on_failure = 'abort' } = spec.step;
    const needs = depends_on.map((need) => statuses.get(need));
    const fail = (): SpecStatus => {
      if (on_failure === 'skip') return 'skipped';
      if (on_failure !== 'continue') fatal.add(id);
      return 'failed';
    };
    const work = (): SpecStatus => {
      if (depends_on.some((need) => fatal.has(need)) || needs.includes('unreached')) return 'unreached';
      if (needs.includes('skipped') && on_skipped === 'skip') return 'skipped';
      if (spec.condition === 'error') return fail();
      if (spec.condition === 'false') return 'skipped';
      if (spec.entries === 0) return 'done';
      if (spec.approval === 'denied' || spec.approval === 'nobody') return fail();
      const items = Array.from({ length: spec.entries ?? 1 }, (_, index) => itemOf(spec, index));
      tasks.set(
        id,
        items.map((item) => item.tasks),
      );
      return items.every(({ done }) => done) ? 'done' : fail();
    };
    statuses.set(id, work());
  }
  return { statuses, tasks, fatal };
}
