import type { WorkflowRunView } from '@openlegion/contract/control-workflow';
import { formatMicroUsd } from '@openlegion/contract/money';
import type { RunRecord } from '@openlegion/contract/workflow-run';
import { oneLine } from '../terminal/safe-text.ts';
import { formatTable } from '../terminal/table.ts';

const time = (ms: number | null) => (ms === null ? '-' : new Date(ms).toISOString().slice(0, 19));

export function runTable(runs: readonly RunRecord[]): string {
  return formatTable([
    ['RUN', 'WORKFLOW', 'STATUS', 'STARTED BY', 'STARTED', 'COST', ''],
    ...runs.map((run) => [
      run.id,
      run.workflow,
      run.status,
      `${run.startedBy} (${run.how})`,
      time(run.startedAtMs),
      formatMicroUsd(run.costMicroUsd),
      oneLine(run.message, 60),
    ]),
  ]);
}

/** One run, step by step. What agents answered is one line each; `--json` has the whole. */
export function runLines({ run, steps, approvals }: WorkflowRunView): string[] {
  const why = run.message === '' ? '' : `: ${oneLine(run.message, 200)}`;
  const table = formatTable([
    ['STEP', 'STATUS', 'TASKS', 'FINISHED', 'RESULT'],
    ...steps.map(({ id, state }) => [
      id,
      state.reason === null ? state.status : `${state.status} (${state.reason})`,
      `${state.begun}`,
      time(state.finishedAtMs),
      oneLine(state.message === '' ? JSON.stringify(state.result) : state.message, 80),
    ]),
  ]);
  return [
    `${run.id} of ${run.workflow} (${run.hash.slice(0, 12)}): ${run.status}${why}`,
    `started by ${run.startedBy} (${run.how}) ${time(run.startedAtMs)}, cost ${formatMicroUsd(run.costMicroUsd)}, trace ${run.traceId}`,
    ...table.split('\n'),
    ...approvals.map(({ step, id }) => `${step} waits for a person: ./openlegion approvals show ${id}`),
  ];
}
