import type { ControlCaller } from '@openlegion/contract/control-caller';
import {
  AcceptWorkflow,
  CheckWorkflow,
  GraphForm,
  RunWorkflow,
  type WorkflowRunView,
  type WorkflowSummary,
} from '@openlegion/contract/control-workflow';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { WorkflowPlan } from '@openlegion/contract/workflow-run';
import { z } from 'zod';
import type { Approvals } from '../approvals/approvals.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import type { ControlRoute } from '../control/control-routes.ts';
import { get, NoQuery, post, route } from '../control/route.ts';
import { checkSource, drawGraph, planNamed, unknownWorkflow } from './check-files.ts';
import type { CompiledWorkflow } from './compile-workflow.ts';
import type { Definitions, StoredDefinition } from './definitions.ts';
import { triggerText } from './draw-graph.ts';
import type { WorkflowEngine } from './engine.ts';
import type { LiveWorkflows } from './live-workflows.ts';
import type { LoadedWorkflow } from './load-workflows.ts';
import type { RunSnapshot } from './run-draft.ts';

const MOST_RUNS = 200;
const MOST_WAIT_S = 60;

/** Workflows for people. See control-workflow.ts. */
export function workflowRoutes(parts: {
  config: Pick<FleetConfig, 'agents'>;
  live: LiveWorkflows;
  definitions: Definitions;
  engine: WorkflowEngine;
  approvals: Approvals;
  plan: (loaded: LoadedWorkflow) => Promise<WorkflowPlan>;
  newTraceId: () => string;
}): ControlRoute[] {
  const { config, live, definitions, engine, approvals } = parts;
  const refreshed = ({ run, ...route }: ControlRoute): ControlRoute => ({
    ...route,
    async run(request) {
      await live.refresh();
      return run(request);
    },
  });

  /** A name means what stands in a file; a hash, or its beginning, any definition ever seen. */
  function find(named: string): {
    workflow: CompiledWorkflow;
    stored: StoredDefinition;
    file: string | null;
  } {
    const loaded = live.loaded(named);
    const known = definitions.list();
    const hashes = /^[0-9a-f]{8,64}$/.test(named) ? known.filter(({ hash }) => hash.startsWith(named)) : [];
    const hash = loaded?.workflow.hash ?? (hashes.length === 1 ? hashes[0]?.hash : undefined);
    const proposed = hash ?? known.findLast(({ name }) => name === named)?.hash;
    const stored = proposed === undefined ? null : definitions.find(proposed);
    const workflow = stored && definitions.compiled(stored.hash);
    if (!stored || !workflow) throw unknownWorkflow(named, [...live.current().keys()]);
    const inFile = live.loaded(stored.name);
    return { workflow, stored, file: inFile?.workflow.hash === stored.hash ? inFile.file : null };
  }

  function summaryOf({ workflow, stored, file }: ReturnType<typeof find>): WorkflowSummary {
    const { name, description, steps, trigger } = workflow.definition;
    return {
      ...{
        name,
        hash: stored.hash,
        description,
        trigger: triggerText(workflow.definition),
        steps: steps.length,
      },
      ...{ file, proposedBy: stored.proposedBy === 'config' ? null : stored.proposedBy },
      ...{ acceptedBy: stored.acceptedBy, acceptedAt: stored.acceptedAt },
      note:
        typeof trigger === 'object' && !('topic' in trigger) ? notYet(Object.keys(trigger)[0] ?? '') : null,
    };
  }

  function runView(snapshot: RunSnapshot): WorkflowRunView {
    const { record, steps, items } = snapshot;
    const compiled = definitions.compiled(record.hash);
    const order = [...(compiled?.steps.keys() ?? []), ...(compiled?.handlers.keys() ?? [])];
    const waiting = [...steps].filter(([, { status }]) => status === 'awaiting_approval');
    return {
      run: record,
      steps: order.flatMap((id) => {
        const state = steps.get(id);
        return state ? [{ id, state }] : [];
      }),
      items: Object.fromEntries(items),
      approvals: waiting.flatMap(([step]) => {
        const asked = approvals.findByKey(`${record.id}/${step}/approval`);
        return asked ? [{ step, id: asked.id }] : [];
      }),
    };
  }

  async function accept({ name: by }: ControlCaller, named: string, accepted: boolean) {
    const { stored } = find(named);
    if (accepted) await definitions.accept(stored.hash, by);
    else await definitions.revoke(stored.hash, by);
    // Topics are heard for what is accepted alone.
    await live.refresh();
    const now = definitions.find(stored.hash);
    return { name: stored.name, hash: stored.hash, acceptedBy: now?.acceptedBy ?? null };
  }

  return [
    get('/api/workflows', NoQuery, () => {
      const inFiles = live.all().map(({ workflow }) => summaryOf(find(workflow.definition.name)));
      const proposed = definitions
        .list()
        .filter(({ proposedBy, acceptedBy }) => proposedBy !== 'config' && acceptedBy === null)
        .map(({ hash }) => summaryOf(find(hash)))
        .filter(({ file }) => file === null);
      return { workflows: [...inFiles, ...proposed], problems: live.problems() };
    }),

    get('/api/workflows/{name}', NoQuery, async (_, request) => {
      const found = find(request.parameter('name'));
      // Of a file, what stands in it: an agent may have written the same definition with other comments before.
      const inFile = found.file === null ? null : live.loaded(found.stored.name);
      return { summary: summaryOf(found), yaml: inFile?.text ?? found.stored.yaml };
    }),

    post('/api/workflows/check', 'viewer', CheckWorkflow, (source) => checkSource(source, config)),

    get('/api/workflows/{name}/plan', NoQuery, (_, request) =>
      planNamed(request.parameter('name'), live.found(), parts.plan),
    ),

    get('/api/workflows/{name}/graph', z.object({ as: GraphForm.default('text') }), ({ as }, request) =>
      drawGraph(find(request.parameter('name')).workflow, as),
    ),

    post('/api/workflows/{name}/accept', 'operator', AcceptWorkflow, ({ accepted }, request) =>
      accept(request.caller, request.parameter('name'), accepted),
    ),

    post(
      ...(['/api/workflows/{name}/runs', 'operator', RunWorkflow] as const),
      async ({ payload, idempotencyKey }, request) => {
        const startedBy = request.caller.name;
        const started = await engine.start({
          ...{
            workflow: request.parameter('name'),
            how: 'manual',
            payload,
            startedBy,
            hops: 0,
            parentId: null,
          },
          key: idempotencyKey === undefined ? null : `manual/${startedBy}/${idempotencyKey}`,
          traceId: parts.newTraceId(),
        });
        if (!started.ok) throw new OpenLegionError(started.refusal);
        return { run: started.record, created: started.created };
      },
      202,
    ),

    get('/api/workflow-runs', z.strictObject({ workflow: z.string().optional() }), ({ workflow }) => ({
      runs: engine.list(workflow ?? null, MOST_RUNS),
    })),

    get('/api/workflow-runs/{id}', NoQuery, async (_, request) => {
      const id = request.parameter('id');
      const seconds = Math.min(Number(request.query('wait') ?? 0) || 0, MOST_WAIT_S);
      if (seconds > 0) await overOrTimeout(engine.ended(id), seconds, request.signal);
      const snapshot = engine.find(id);
      if (!snapshot) throw noRun();
      return runView(snapshot);
    }),

    route('POST', '/api/workflow-runs/{id}/cancel', 'operator', async (request) => {
      const id = request.parameter('id');
      if (!engine.find(id)) throw noRun();
      return Response.json({ cancelled: engine.cancel(id, request.caller.name) });
    }),
  ].map(refreshed);
}

async function overOrTimeout(ended: Promise<unknown>, seconds: number, signal: AbortSignal): Promise<void> {
  const waited = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]);
  const { promise, resolve } = Promise.withResolvers<void>();
  waited.addEventListener('abort', () => resolve(), { once: true });
  await Promise.race([ended.catch(() => {}), promise]);
}

/** Triggers that have a place in the schema and no service yet: a run by hand is all there is. */
function notYet(kind: string): string {
  return `nothing listens for ${kind} yet: it is not started by its trigger; start it with "./openlegion workflow run"`;
}

function noRun(): OpenLegionError {
  return new OpenLegionError({
    code: 'not_found',
    rule: 'workflow.run',
    message: 'There is no such run.',
    remedy: 'See "./openlegion workflow status".',
  });
}
