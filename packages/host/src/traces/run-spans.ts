import type { FleetEvent } from '@openlegion/contract/control-api';
import type { SpanStatus, TraceSpan } from '@openlegion/contract/trace';
import { redactPreview } from './redact-preview.ts';

const ENDS: ReadonlyMap<string, SpanStatus> = new Map([
  ['done', 'ok'],
  ['skipped', 'cancelled'],
  ['failed', 'failed'],
  ['cancelled', 'cancelled'],
]);

/**
 * Workflow runs of a trace and their steps, with the messages that are the steps' tasks moved below them: a message of
 * the agent that a step was given to, begun while the step ran.
 */
export function withRuns(spans: readonly TraceSpan[], events: readonly FleetEvent[]): TraceSpan[] {
  const runs: TraceSpan[] = [];
  const steps = new Map<string, TraceSpan & { to: Set<string> }>();
  for (const { seq, at, event } of events) {
    if (event.type === 'workflow_started')
      runs.push(open({ id: event.run, parentId: null, kind: 'run', name: `workflow ${event.workflow}`, at }));
    else if (event.type === 'workflow_task_started' || event.type === 'workflow_step_settled') {
      const key = `${event.run}/${event.step}`;
      const step = steps.get(key) ?? {
        ...open({ id: `s${seq}`, parentId: event.run, kind: 'step', name: event.step, at }),
        to: new Set<string>(),
      };
      steps.set(key, step);
      if (event.type === 'workflow_task_started') step.to.add(event.to);
      else close(step, at, event);
    } else if (event.type === 'workflow_settled') {
      const run = runs.find(({ id }) => id === event.run);
      if (run) close(run, at, event);
    }
  }
  if (runs.length === 0) return [...spans];
  const inSteps = [...steps.values()];
  const placed = spans.map((span) => {
    if (span.kind !== 'message') return span;
    const step = inSteps.findLast(
      ({ to, startedAt, endedAt }) =>
        to.has(span.agent) && startedAt <= span.startedAt && (endedAt === null || span.startedAt <= endedAt),
    );
    return step && !spans.some(({ id }) => id === span.parentId) ? { ...span, parentId: step.id } : span;
  });
  return [...runs, ...inSteps.map(({ to: _to, ...step }) => step), ...placed];
}

function open({
  at,
  ...span
}: Pick<TraceSpan, 'id' | 'parentId' | 'kind' | 'name'> & { at: string }): TraceSpan {
  return {
    ...{ agent: '', startedAt: at, endedAt: null, status: 'running', costMicroUsd: 0, inputTokens: 0 },
    ...{ outputTokens: 0, claimed: false, input: '', output: '' },
    ...span,
  };
}

function close(
  span: TraceSpan,
  at: string,
  end: { status: string; reason: string | null; message: string },
): void {
  const why = [end.reason, end.message].filter((text) => text !== null && text !== '').join(': ');
  Object.assign(span, {
    endedAt: at,
    status: ENDS.get(end.status) ?? 'unknown',
    output: redactPreview(why, 400),
  });
}
