import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { WorkflowDefinition } from '@openlegion/contract/workflow';
import type { RunRecord, WorkflowEvent } from '@openlegion/contract/workflow-run';
import type { z } from 'zod';
import { createManualClock } from '../../manual-clock.ts';
import { type Database, openDatabase } from '../../store/database.ts';
import { type CompiledWorkflow, compileWorkflow } from '../compile-workflow.ts';
import { createDefinitions } from '../definitions.ts';
import { createWorkflowEngine } from '../engine.ts';
import type { RunSnapshot } from '../run-draft.ts';
import type {
  ApprovalAnswer,
  ApprovalRequest,
  ReadBlackboard,
  StepTask,
  TaskOutcome,
} from '../step-dispatch.ts';
import { WORKFLOW_MIGRATION } from '../workflow-schema.ts';

/** What the agents of a test do with a task: an outcome, or nothing until they are cancelled, or nothing at all. */
export type Act = (task: StepTask) => TaskOutcome | Promise<TaskOutcome> | 'hang' | 'deaf';

/** The agents, which live longer than the host: a key is carried out once, and its outcome kept. */
export function createAgents(act: Act) {
  const tasks = new Map<
    string,
    { task: StepTask; outcome: Promise<TaskOutcome>; end: (as: TaskOutcome) => void }
  >();
  const cancelled: string[] = [];
  return {
    tasks,
    cancelled,
    /** In the order in which they were first begun. */
    begun: () => [...tasks.values()].map(({ task }) => task),
    end(key: string, outcome: TaskOutcome) {
      tasks.get(key)?.end(outcome);
    },
    async run(task: StepTask): Promise<TaskOutcome> {
      const known = tasks.get(task.key);
      if (known) return known.outcome;
      const { promise, resolve } = Promise.withResolvers<TaskOutcome>();
      tasks.set(task.key, { task, outcome: promise, end: resolve });
      const acted = act(task);
      if (acted !== 'hang' && acted !== 'deaf') resolve(acted);
      return promise;
    },
    cancel(key: string) {
      cancelled.push(key);
      const known = tasks.get(key);
      if (known && act(known.task) !== 'deaf') known.end({ kind: 'cancelled' });
    },
  };
}

export type Approve = (request: ApprovalRequest) => ApprovalAnswer | 'nobody';

export function definitionOf(given: z.input<typeof WorkflowDefinition>): CompiledWorkflow {
  const compiled = compileWorkflow(WorkflowDefinition.parse(given));
  assert.ok(compiled.ok, compiled.ok ? '' : JSON.stringify(compiled.problems));
  return compiled.workflow;
}

export function temporaryHome(): { path: string } & Disposable {
  const path = mkdtempSync(`${tmpdir()}/openlegion-workflow-`);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export interface FixtureOptions {
  home: string;
  workflows: readonly CompiledWorkflow[];
  agents: ReturnType<typeof createAgents>;
  approve?: Approve;
  readBlackboard?: ReadBlackboard;
  clock?: ReturnType<typeof createManualClock>;
  /** Stands between the engine and its database, to fail or to stop it. */
  around?: (database: Database) => Database;
}

/** One host's engine over a database on disk. A second fixture of the same home is the host after a restart. */
export function openFixture(options: FixtureOptions) {
  const clock = options.clock ?? createManualClock();
  const real = openDatabase({ path: `${options.home}/mesh.db`, migrations: [WORKFLOW_MIGRATION] });
  const database = options.around?.(real) ?? real;
  const events: WorkflowEvent[] = [];
  const warnings: string[] = [];
  const asked: ApprovalRequest[] = [];
  const definitions = createDefinitions({ database: real, clock });
  let ids = 0;
  const engine = createWorkflowEngine({
    database,
    clock,
    random: () => 0.5,
    definitions,
    current: () => new Map(options.workflows.map((workflow) => [workflow.definition.name, workflow])),
    newRunId: () => `wfr_${++ids}`,
    dispatch: options.agents,
    approvals: {
      async ask(request) {
        asked.push(request);
        const answer = options.approve?.(request) ?? 'nobody';
        return answer === 'nobody' ? new Promise(() => {}) : answer;
      },
      withdraw: () => {},
    },
    readBlackboard: options.readBlackboard ?? (() => ({ found: false })),
    announce: (event) => events.push(event),
    warn: (message) => void warnings.push(message),
  });
  return {
    clock,
    database: real,
    definitions,
    engine,
    events,
    warnings,
    asked,
    async accept() {
      for (const workflow of options.workflows) {
        await definitions.propose(workflow, '', 'operator');
        await definitions.accept(workflow.hash, 'operator');
      }
    },
    start: (workflow: string, payload: unknown = null, key: string | null = null) =>
      engine.start({
        ...{ workflow, how: 'manual', payload, startedBy: 'operator', traceId: 'trc_1', key },
        ...{ hops: 0, parentId: null },
      }),
    async close() {
      await engine.stop();
      real.close();
    },
  };
}

/** Lets everything that is under way come to rest. */
export async function atRest(turns = 8): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Goes on, a second of the clock at a time, until the run is over; `idle` is called between. */
export async function untilOver(
  fixture: ReturnType<typeof openFixture>,
  run: string,
  idle: (snapshot: RunSnapshot) => void = () => {},
): Promise<RunSnapshot> {
  for (let second = 0; second < 5000; second += 1) {
    await atRest();
    const snapshot = fixture.engine.find(run);
    assert.ok(snapshot);
    if (snapshot.record.phase === 'over') return snapshot;
    idle(snapshot);
    await atRest(2);
    fixture.clock.advance(1000);
  }
  throw new Error('the run does not end');
}

export function statusesOf({
  record,
  steps,
}: RunSnapshot): Record<string, string> & { run: RunRecord['status'] } {
  const entries = [...steps].map(([id, { status }]) => [id, status] as const);
  return { ...Object.fromEntries(entries), run: record.status };
}
