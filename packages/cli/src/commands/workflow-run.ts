import { WorkflowRunList, WorkflowRunStarted, WorkflowRunView } from '@openlegion/contract/control-workflow';
import { JsonValue } from '@openlegion/contract/json-value';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import type { CommandContext } from '../command-context.ts';
import { type ControlClient, createControlClient } from '../control/control-client.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { readText } from '../workflow/read-text.ts';
import { runLines, runTable } from '../workflow/run-lines.ts';

const WAIT_S = 30;
const runPath = (id: string, action = '') => `/api/workflow-runs/${encodeURIComponent(id)}${action}`;

export async function workflowRun(
  { home, terminal }: CommandContext,
  name: string,
  options: RunOptions,
): Promise<number> {
  return startWorkflow(createControlClient(home), terminal, name, options);
}

export interface RunOptions {
  payload?: string;
  key?: string;
  wait?: boolean;
  json?: boolean;
}

/** Starts a run; with `wait` stays until it is over, and its status is the exit code. */
export async function startWorkflow(
  control: ControlClient,
  terminal: Terminal,
  name: string,
  { payload, key, wait, json }: RunOptions,
): Promise<number> {
  const { run, created } = await control.json(WorkflowRunStarted, {
    ...{ method: 'POST', path: `/api/workflows/${encodeURIComponent(name)}/runs` },
    json: {
      payload: payload === undefined ? null : payloadOf(payload),
      ...(key === undefined ? {} : { idempotencyKey: key }),
    },
  });
  if (!wait) {
    const what = created ? 'runs' : 'was started with this key before';
    if (json) terminal.line(JSON.stringify({ run, created }, null, 2));
    else terminal.line(`${run.id} ${what}. See: ./openlegion workflow status ${run.id}`);
    return 0;
  }
  const over = await awaitRun(control, run.id, (id, step) => {
    if (!json) terminal.line(`${step} waits for a person: ./openlegion approvals show ${id}`);
  });
  showRun(over, terminal, json === true);
  return over.run.status === 'done' ? 0 : 1;
}

/** A payload as JSON, or `@FILE`. */
function payloadOf(text: string): JsonValue {
  const json = text.startsWith('@') ? readText(text.slice(1)) : text;
  try {
    return JsonValue.parse(JSON.parse(json));
  } catch (cause) {
    throw new OpenLegionError(
      {
        code: 'bad_request',
        rule: 'cli.workflow.payload',
        message: 'The payload is not JSON.',
        remedy: `For example: --payload '{"company": "Acme"}', or --payload @FILE`,
      },
      { cause },
    );
  }
}

/** Until the run is over; `onApproval` is called once for each question that comes up. */
export async function awaitRun(
  control: ControlClient,
  id: string,
  onApproval: (id: string, step: string) => void,
): Promise<WorkflowRunView> {
  const told = new Set<string>();
  for (;;) {
    const wait = told.size > 0 ? WAIT_S : 1;
    const path = runPath(id, `?wait=${wait}`);
    const view = await control.json(WorkflowRunView, { method: 'GET', path, timeoutMs: 60_000 });
    for (const approval of view.approvals) {
      if (told.has(approval.id)) continue;
      told.add(approval.id);
      onApproval(approval.id, approval.step);
    }
    if (view.run.phase === 'over') return view;
  }
}

/** One run, or the newest of all workflows. */
export async function workflowStatus(
  { home, terminal }: CommandContext,
  id: string | undefined,
  options: { json?: boolean },
): Promise<number> {
  const control = createControlClient(home);
  if (id !== undefined) {
    showRun(
      await control.json(WorkflowRunView, { method: 'GET', path: runPath(id) }),
      terminal,
      options.json === true,
    );
    return 0;
  }
  const found = await control.json(WorkflowRunList, { method: 'GET', path: '/api/workflow-runs' });
  if (options.json) terminal.line(JSON.stringify(found, null, 2));
  else terminal.line(found.runs.length === 0 ? 'Nothing has run yet.' : runTable(found.runs));
  return 0;
}

export async function workflowCancel({ home, terminal }: CommandContext, id: string): Promise<number> {
  const { cancelled } = await createControlClient(home).json(z.object({ cancelled: z.boolean() }), {
    ...{ method: 'POST', path: runPath(id, '/cancel'), json: {} },
  });
  terminal.line(cancelled ? 'It is being cancelled.' : 'It is over already.');
  return 0;
}

/** The question that a step of a run asks, by run and step. */
export async function approvalOfStep({ home }: CommandContext, run: string, step: string): Promise<string> {
  const view = await createControlClient(home).json(WorkflowRunView, { method: 'GET', path: runPath(run) });
  const found = view.approvals.find((approval) => approval.step === step);
  if (found) return found.id;
  throw new OpenLegionError({
    code: 'not_found',
    rule: 'cli.workflow.approve',
    message: `The step ${step} of ${run} does not wait for anybody.`,
    remedy: `See "./openlegion workflow status ${run}".`,
  });
}

function showRun(view: WorkflowRunView, terminal: Terminal, json: boolean): void {
  if (json) terminal.line(JSON.stringify(view, null, 2));
  else for (const line of runLines(view)) terminal.line(line);
}
