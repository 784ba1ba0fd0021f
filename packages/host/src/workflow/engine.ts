import type { Refusal } from '@openlegion/contract/refusal';
import type { RunRecord } from '@openlegion/contract/workflow-run';
import { type ActiveRun, createActiveRun, type RunParts } from './active-run.ts';
import type { CompiledWorkflow } from './compile-workflow.ts';
import type { Definitions } from './definitions.ts';
import type { Change, RunSnapshot } from './run-draft.ts';
import { findByStartKey, insertRun, listRuns, loadRun, openRuns, saveChange } from './run-store.ts';
import { newRun, type StartRequest } from './start-run.ts';
import { transition } from './transition.ts';

/** Runs that are not over; what comes beyond is refused rather than stored. */
export const MOST_OPEN_RUNS = 1000;

export type Started = { ok: true; record: RunRecord; created: boolean } | { ok: false; refusal: Refusal };

export interface WorkflowEngine {
  /** What is started is on disk. A repeated key answers with the run that it started. */
  start(request: StartRequest): Promise<Started>;
  /** False where no such run goes on. The run is over when its tasks have ended. */
  cancel(run: string, by: string): boolean;
  find(run: string): RunSnapshot | null;
  list(workflow: string | null, limit: number): RunRecord[];
  /** Resolves when the run is over; null for one that never was. Rejects for one that cannot be continued. */
  ended(run: string): Promise<RunRecord | null>;
  /** Takes up what was open when the host ended. A run that cannot be taken up is warned of and left as it is. */
  resume(): void;
  /** Nothing more is started or stored; open tasks go on elsewhere and are joined by the next `resume`. */
  stop(): Promise<void>;
}

/** Runs accepted workflows. One engine per database. */
export function createWorkflowEngine(
  parts: RunParts & {
    definitions: Definitions;
    /** As configured now, by name. */
    current: () => ReadonlyMap<string, CompiledWorkflow>;
    newRunId: () => string;
  },
): WorkflowEngine {
  const { database, clock, definitions, current } = parts;
  const active = new Map<string, ActiveRun>();
  /** Being stored. */
  let starting = 0;
  let stopping = false;

  function activate(workflow: CompiledWorkflow, snapshot: RunSnapshot): ActiveRun {
    const { id } = snapshot.record;
    const run = createActiveRun(parts, workflow, snapshot, () => active.delete(id));
    active.set(id, run);
    return run;
  }

  async function start(request: StartRequest): Promise<Started> {
    if (stopping) return { ok: false, refusal: STOPPING };
    const earlier = request.key === null ? null : findByStartKey(database, request.key);
    if (earlier) return { ok: true, record: earlier, created: false };
    if (active.size + starting >= MOST_OPEN_RUNS) return { ok: false, refusal: FULL };
    const workflow = current().get(request.workflow);
    const accepted = workflow ? (definitions.find(workflow.hash)?.acceptedBy ?? null) !== null : false;
    const names = [...current().keys()];
    const made = newRun(request, { id: parts.newRunId(), nowMs: clock.now(), accepted, workflow, names });
    if (!made.ok) return made;
    if (!workflow) return { ok: false, refusal: FULL };
    const empty = { record: made.record, steps: new Map(), items: new Map() };
    const { random, readBlackboard } = parts;
    const context = { nowMs: clock.now(), random, readBlackboard };
    const first = transition(workflow, empty, [{ type: 'begin' }], context);
    starting += 1;
    try {
      const repeated = await database.write((transaction): RunRecord | null => {
        const other = request.key === null ? null : findByStartKey(transaction, request.key);
        if (other) return other;
        insertRun(transaction, made.record, request.key);
        saveChange(transaction, first);
        parts.onStored?.(transaction, first.record, first.events);
        return null;
      });
      if (repeated) return { ok: true, record: repeated, created: false };
      if (!stopping) beginWith(workflow, empty, first);
      return { ok: true, record: first.record, created: true };
    } finally {
      starting -= 1;
    }
  }

  function beginWith(workflow: CompiledWorkflow, empty: RunSnapshot, first: Change): void {
    activate(workflow, empty).begin(first);
  }

  return {
    start,
    cancel(run, by) {
      active.get(run)?.signal({ type: 'cancel', by });
      return active.has(run);
    },
    find: (run) => active.get(run)?.snapshot() ?? loadRun(database, run),
    list: (workflow, limit) => listRuns(database, workflow, limit),
    async ended(run) {
      const going = active.get(run);
      return going ? going.ended : (loadRun(database, run)?.record ?? null);
    },
    resume() {
      for (const id of openRuns(database)) {
        if (active.has(id)) continue;
        try {
          const snapshot = loadRun(database, id);
          const workflow = snapshot && definitions.compiled(snapshot.record.hash);
          if (snapshot && workflow) activate(workflow, snapshot).resume();
        } catch (error) {
          parts.warn(`workflow run ${id}: ${error instanceof Error ? error.message : 'it cannot be read'}`);
        }
      }
    },
    async stop() {
      stopping = true;
      await Promise.all([...active.values()].map((run) => run.stop()));
    },
  };
}

const STOPPING: Refusal = {
  code: 'unavailable',
  rule: 'workflow.stopping',
  message: 'The host is stopping and starts nothing more.',
  remedy: 'Start OpenLegion again with: ./openlegion start',
};

const FULL: Refusal = {
  code: 'rate_limited',
  rule: 'workflow.open_runs',
  message: `${MOST_OPEN_RUNS} runs of workflows are going on, and no more are started for now.`,
  remedy: 'Wait until some are over, or cancel some: ./openlegion workflow status',
};
